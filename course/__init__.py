"""What runs the class: ``python -m course --help``. The library never imports it."""
