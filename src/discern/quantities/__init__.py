"""What is measured of each disc: height, wedge, slip, signal; docs/quantities.md defines them."""
