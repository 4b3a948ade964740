"""What the product does with what comes in: edits, the desk that writes them, and what follows from them."""
