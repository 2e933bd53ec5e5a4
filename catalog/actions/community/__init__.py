"""What people say and ask: discussions, pull requests, ratings, likes, collections, access."""
