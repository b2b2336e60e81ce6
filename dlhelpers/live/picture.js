// The picture of a lab: a canvas that draws what the kernel sends, says which frame it has shown, and tells
// where the pointer stands.  A frame is a list of patches: what has changed, each as a PNG.

const number = value => Number(value.toPrecision(3)).toString().replace("-", "\u2212");

// The value at a share of an axis, between its two limits.
const along = (share, [low, high], log) =>
  log ? low * (high / low) ** share : low + share * (high - low);

// What a number typed beside a slider means: {value} or, where it must be refused, {why}.  The slider itself
// would read "0,5" as 0, and "5o" as 5.
function typed(text, whole) {
  let digits = text.trim().replace("\u2212", "-");
  if (/^[-+]?[1-9]\d{0,2},\d{3}$/.test(digits)) {
    const readings = ["", "."].map(mark => digits.replace(",", mark));
    return { why: `${text} may be ${readings.join(" or ")}. Type it without a comma.` };
  }
  if (/^[-+]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(digits) && !/^[-+]?0,/.test(digits)) digits = digits.replaceAll(",", "");
  const value = Number(digits.replace(",", "."));
  if (digits === "" || !Number.isFinite(value)) return { why: `a number is needed; got "${text}".` };
  if (whole && !Number.isInteger(value)) return { why: `a whole number is needed; got "${text}".` };
  return { value };
}

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  const values = document.createElement("div");
  canvas.className = "dlh-canvas";
  canvas.setAttribute("role", "img");
  values.className = "dlh-values";
  values.hidden = true;
  el.classList.add("dlh-picture");
  el.append(canvas, values);
  const context = canvas.getContext("2d");
  const name = () => canvas.setAttribute("aria-label", model.get("alt"));
  model.on("change:alt", name);
  name();

  // ------------------------------------------------------------------ frames, in the order of their numbers
  async function draw(frame, buffers) {
    const pictures = await Promise.all(
      buffers.map(buffer => createImageBitmap(new Blob([buffer], { type: "image/png" }))));
    if (canvas.width !== frame.width || canvas.height !== frame.height) {
      canvas.width = frame.width;
      canvas.height = frame.height;
    }
    canvas.style.width = `${frame.css}px`;
    pictures.forEach((picture, k) => {
      context.drawImage(picture, frame.at[k][0], frame.at[k][1]);
      picture.close();
    });
    canvas.dataset.frame = frame.number;
    model.send({ kind: "seen", number: frame.number });
  }
  let drawn = Promise.resolve();
  const take = (content, buffers) => {
    if ("told" in content) return tellWords(content.told);
    drawn = drawn.then(() => draw(content, buffers)).catch(console.error);
  };
  model.on("msg:custom", take);

  // The first message asks for a whole picture; a later one says that the window has changed.
  let told = "";
  const tell = () => {
    const page = { room: el.clientWidth, high: window.innerHeight, ratio: window.devicePixelRatio };
    if (page.room > 0 && told !== (told = JSON.stringify(page))) model.send({ kind: "page", ...page });
  };
  const observer = new ResizeObserver(tell);
  observer.observe(el);
  window.addEventListener("resize", tell);

  // --------------------------------------------------------------------------------------- the pointer
  const place = event => {
    const box = canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: 1 - (event.clientY - box.top) / box.height };
  };
  const panelAt = ({ x, y }) => model.get("panels").find(({ box: [left, low, right, high] }) =>
    left <= x && x <= right && low <= y && y <= high);

  // Where the kernel knows more than the numbers of the axes, it is asked: one question at a time, the newest.
  let asked = false, question = null, last = null;
  const ask = () => {
    asked = question !== null;
    if (asked) model.send({ kind: "hover", ...question });
    question = null;
  };
  function tellWords(words) {
    values.hidden = !words || !canvas.matches(":hover");
    values.textContent = words;
    beside(...last); // a longer text ends further left
    ask();
  }

  function beside(at, event) {
    const box = canvas.getBoundingClientRect();
    values.style.left = `${Math.min(event.clientX - box.left + 14, box.width - values.offsetWidth)}px`;
    values.style.top = `${event.clientY - box.top + (at.y > 0.9 ? 14 : -26)}px`;
  }

  function hover(at, event) {
    const panel = panelAt(at);
    canvas.style.cursor = panel?.cursor ?? "default";
    values.hidden = !panel || (panel.asks && !values.textContent);
    if (!panel) return;
    last = [at, event];
    beside(...last);
    if (panel.asks) {
      question = at;
      if (!asked) ask();
      return;
    }
    const [left, low, right, high] = panel.box;
    const x = along((at.x - left) / (right - left), panel.x, panel.log[0]);
    const y = along((at.y - low) / (high - low), panel.y, panel.log[1]);
    values.textContent = `${number(x)}, ${number(y)}`;
    beside(...last);
  }

  let held = false, next = null;
  const send = (kind, at) => model.send({ kind, ...at });
  const flush = () => { if (next) send("move", next); next = null; };
  canvas.addEventListener("pointerdown", event => {
    const at = place(event);
    if (event.button !== 0 || !panelAt(at)?.cursor) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    if (model.get("deletes")) canvas.focus({ preventScroll: true });
    held = true;
    canvas.classList.add("dlh-held");
    send("down", at);
  });
  canvas.addEventListener("pointermove", event => {
    const at = place(event);
    if (!held) return hover(at, event);
    values.hidden = true;
    if (!next) requestAnimationFrame(flush);
    next = at;
  });
  const release = event => {
    if (!held) return;
    held = false;
    canvas.classList.remove("dlh-held");
    flush();
    send("up", place(event));
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  // Delete removes what was touched last; the notebook must not take the key for a cell.
  if (model.get("deletes")) canvas.tabIndex = -1;
  canvas.addEventListener("keydown", event => {
    if (!model.get("deletes") || !["Delete", "Backspace"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ kind: "key", key: "Delete" });
  });
  canvas.addEventListener("pointerleave", () => { values.hidden = true; });

  // ------------------------------------------------------------------- numbers typed beside the sliders
  let before = "";
  const mine = event => event.target.matches?.(".widget-readout[contenteditable=true]")
    && event.target.closest(".dlh-lab")?.contains(el);
  const begin = event => { if (mine(event)) before = event.target.textContent; };
  // Runs before the slider reads the text, which it does on Enter.
  const read = event => {
    if (!mine(event) || event.key !== "Enter") return;
    const field = event.target, text = field.textContent, row = field.closest(".widget-slider");
    if (text === before) { // as it was: the value has more digits than the field
      event.stopImmediatePropagation();
      event.preventDefault();
      return;
    }
    const { value, why } = typed(text, row.classList.contains("dlh-whole"));
    field.textContent = why ? "" : String(value); // the slider answers nothing with the value that it has
    if (why) {
      const label = row.querySelector(".widget-label").textContent;
      model.send({ kind: "refused", why: `${label}: ${why} Nothing was changed.` });
    }
    setTimeout(() => { before = field.textContent; });
  };
  // Who leaves the field means what it shows.
  const leave = event => {
    if (!mine(event) || event.target.textContent === before) return;
    const enter = { key: "Enter", keyCode: 13, bubbles: true, cancelable: true };
    event.target.dispatchEvent(new KeyboardEvent("keydown", enter));
  };
  document.addEventListener("focus", begin, true);
  document.addEventListener("keydown", read, true);
  document.addEventListener("blur", leave, true);

  // A drag of a slider is one gesture, however slowly its values come; a key ends it.
  let dragged = false;
  const hold = event => {
    const slider = event.target.closest?.(".widget-slider"), down = event.type === "pointerdown";
    if (!slider?.closest(".dlh-lab")?.contains(el) || !(down || dragged)) return;
    dragged = down;
    model.send({ kind: "hold", held: down });
  };
  document.addEventListener("pointerdown", hold, true);
  document.addEventListener("keydown", hold, true);

  return () => {
    document.removeEventListener("pointerdown", hold, true);
    document.removeEventListener("keydown", hold, true);
    document.removeEventListener("focus", begin, true);
    document.removeEventListener("keydown", read, true);
    document.removeEventListener("blur", leave, true);
    observer.disconnect();
    window.removeEventListener("resize", tell);
    model.off("msg:custom", take);
    model.off("change:alt", name);
  };
}

export default { render };
