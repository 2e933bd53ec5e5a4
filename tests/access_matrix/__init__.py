"""Who is told what, on every route: the table, the people and repos it is about, and the walk."""
