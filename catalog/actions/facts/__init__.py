"""What is read out of files: cards, headers, claims, and the search document made of them."""
