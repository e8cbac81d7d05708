"""A small wine laboratory on Flyte 1: 178 wines, 13 measurements each, three cultivars to tell apart."""
