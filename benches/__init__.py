"""How fast, how full and how fair the fleet is: `python -m benches`. Nothing of the product imports this."""
