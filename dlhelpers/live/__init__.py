"""What every lab stands on: controls, stages of a computation, the picture, its pace, questions."""
