"""The code that draws the embedded pictures: a pen, animals, and the places they live in."""
