// A button that sends a file to the kernel.  The page's line carries a message of limited size and drops a
// larger one without a word, so the size is looked at first.

const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`;

function render({ model, el }) {
  const input = document.createElement("input");
  const label = document.createElement("label");
  input.type = "file";
  input.accept = model.get("accept");
  label.className = "dlh-upload";
  label.append(`${model.get("description")} `, input);
  el.append(label);

  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    const limit = model.get("limit");
    if (file.size > limit) {
      model.send({ refused: `${file.name} has ${megabytes(file.size)}; the page can send ${megabytes(limit)}.` });
    } else {
      model.send({ name: file.name }, undefined, [await file.arrayBuffer()]);
    }
    input.value = ""; // the same file may come again, changed
  });
}

export default { render };
