"""Three ways to keep the files of many commits in PostgreSQL; see tree_representation.py and ADR 0004."""

from collections import defaultdict

PAGE = 1000


class Intervals:
    """What we use: an entry lives from one commit of a line until before another."""

    name = "intervals on lines"
    tables = ("catalog_treeentry",)

    def __init__(self, repo):
        self.repo, self.commits = repo, []

    def commit(self, files):
        from django.db import transaction

        from catalog.actions.history import intervals, tree_building
        from catalog.actions.history.changesets import ChangeSet
        from catalog.models import Commit

        base = self.commits[-1] if self.commits else None
        with transaction.atomic():
            tree = tree_building.build(base, files, refuse_collisions=False)
            line, seq = intervals.place_after(self.repo, base)
            made = Commit.objects.create(
                repo=self.repo, line=line, seq=seq, oid=f"{len(self.commits):040x}", tree_oid=tree.oid, author_name="x"
            )
            intervals.write(made, ChangeSet(files), tree)
        self.commits.append(made)
        return tree.oid

    def file_at(self, number, path):
        from catalog.queries import trees

        return trees.file_at(self.commits[number], path).oid

    def listing(self, number, folder):
        from catalog.queries import trees

        return [entry.oid for entry in trees.entries_of(self.commits[number], folder=folder, limit=PAGE)]


class PackedTrees:
    """Git's own way: each tree object is one row, shared by all commits that have it."""

    name = "packed git trees"
    tables = ("bench_tree",)

    def __init__(self, repo):
        self.repo, self.roots = repo, []

    @staticmethod
    def create(cursor):
        # TOAST compresses large bodies; ids do not compress
        cursor.execute("CREATE TABLE bench_tree (oid char(40) PRIMARY KEY, body bytea NOT NULL)")

    def commit(self, files):
        from django.db import connection, transaction

        from catalog.parsing import git_objects
        from catalog.parsing.git_objects import TreeItem

        changed = by_folder(files)
        with transaction.atomic(), connection.cursor() as cursor:
            folders, ids = self._load(cursor, changed), {}
            rows = []
            for folder in sorted(changed, key=depth, reverse=True):
                for name, new in changed[folder].items():
                    folders[folder][name] = TreeItem(new.mode, name, new.oid)
                for below, oid in ids.pop(folder, {}).items():
                    folders[folder][below] = TreeItem(git_objects.DIRECTORY_MODE, below, oid)
                body = git_objects.tree_body(folders[folder].values())
                oid = git_objects.object_id("tree", body)
                rows.append((oid, body))
                if folder:
                    above, _, name = folder.rpartition("/")
                    ids.setdefault(above, {})[name] = oid
                else:
                    root = oid
            cursor.executemany("INSERT INTO bench_tree VALUES (%s, %s) ON CONFLICT DO NOTHING", rows)
        self.roots.append(root)
        return root

    def _load(self, cursor, wanted):
        from catalog.parsing import git_objects

        folders = {folder: {} for folder in wanted}
        level = {"": self.roots[-1]} if self.roots else {}
        while level:
            cursor.execute("SELECT oid, body FROM bench_tree WHERE oid = ANY(%s)", [list(level.values())])
            bodies, below = dict(cursor.fetchall()), {}
            for folder, oid in level.items():
                folders[folder] = {item.name: item for item in git_objects.parse_tree(bytes(bodies[oid]))}
                for name, item in folders[folder].items():
                    path = f"{folder}/{name}" if folder else name
                    if item.mode == git_objects.DIRECTORY_MODE and path in wanted:
                        below[path] = item.oid
            level = below
        return folders

    def _walk(self, number, path):
        from django.db import connection

        from catalog.parsing import git_objects

        oid = self.roots[number]
        with connection.cursor() as cursor:
            for name in [*path.split("/"), None] if path else [None]:
                cursor.execute("SELECT body FROM bench_tree WHERE oid = %s", [oid])
                row = cursor.fetchone()
                if row is None:
                    return oid, []
                items = git_objects.parse_tree(bytes(row[0]))
                if name is None:
                    return oid, items
                oid = next(item.oid for item in items if item.name == name)
        return oid, []

    def file_at(self, number, path):
        folder, _, name = path.rpartition("/")
        return next(item.oid for item in self._walk(number, folder)[1] if item.name == name)

    def listing(self, number, folder):
        # ids only: sizes, LFS and the last commit of each file would be further queries
        items = sorted(self._walk(number, folder)[1], key=lambda item: item.name.encode())
        return [item.oid for item in items[:PAGE]]


class FolderRows:
    """Each state of a folder is a set of rows; commits share folders that did not change."""

    name = "rows per folder state"
    tables = ("bench_folder", "bench_entry")

    def __init__(self, repo):
        self.repo, self.roots = repo, []

    @staticmethod
    def create(cursor):
        cursor.execute("CREATE TABLE bench_folder (id bigserial PRIMARY KEY, oid char(40) NOT NULL)")
        cursor.execute(
            'CREATE TABLE bench_entry (folder_id bigint, name text COLLATE "C", mode int, oid char(40), size bigint,'
            " blob_id bigint, is_lfs bool, changed_in bigint, below bigint, PRIMARY KEY (folder_id, name))"
        )

    def commit(self, files):
        from django.db import connection, transaction

        changed = by_folder(files)
        with transaction.atomic(), connection.cursor() as cursor:
            ids = self._ids(cursor, changed)
            below = defaultdict(dict)
            for folder in sorted(changed, key=depth, reverse=True):
                rows = {
                    name: (new.mode, new.oid, new.size, new.blob_id, new.is_lfs, None)
                    for name, new in changed[folder].items()
                }
                rows |= {
                    name: (0o40000, oid, 0, None, False, key) for name, (key, oid) in below.pop(folder, {}).items()
                }
                key, oid = self._write(cursor, ids.get(folder), rows)
                if folder:
                    above, _, name = folder.rpartition("/")
                    below[above][name] = (key, oid)
            self.roots.append(key)
        return oid

    def _ids(self, cursor, wanted):
        level = {"": self.roots[-1]} if self.roots else {}
        found = dict(level)
        while level:
            folders = {key: folder for folder, key in level.items()}
            cursor.execute(
                "SELECT folder_id, name, below FROM bench_entry WHERE folder_id = ANY(%s) AND below IS NOT NULL",
                [list(folders)],
            )
            level = {}
            for key, name, below in cursor.fetchall():
                path = f"{folders[key]}/{name}" if folders[key] else name
                if path in wanted:
                    level[path] = below
            found |= level
        return found

    def _write(self, cursor, old, rows):
        from catalog.parsing import git_objects
        from catalog.parsing.git_objects import TreeItem

        children = {}
        if old is not None:
            cursor.execute("SELECT name, mode, oid FROM bench_entry WHERE folder_id = %s", [old])
            children = {name: (mode, oid) for name, mode, oid in cursor.fetchall()}
        children |= {name: row[:2] for name, row in rows.items()}
        body = git_objects.tree_body(TreeItem(mode, name, oid) for name, (mode, oid) in children.items())
        oid = git_objects.object_id("tree", body)
        cursor.execute("INSERT INTO bench_folder (oid) VALUES (%s) RETURNING id", [oid])
        key = cursor.fetchone()[0]
        if old is not None:
            cursor.execute(
                "INSERT INTO bench_entry SELECT %s, name, mode, oid, size, blob_id, is_lfs, changed_in, below"
                " FROM bench_entry WHERE folder_id = %s AND name <> ALL(%s)",
                [key, old, list(rows)],
            )
        with cursor.copy("COPY bench_entry FROM STDIN") as copy:
            for name, (mode, entry_oid, size, blob_id, is_lfs, below) in rows.items():
                copy.write_row((key, name, mode, entry_oid, size, blob_id, is_lfs, key, below))
        return key, oid

    def _folder(self, cursor, number, path):
        key = self.roots[number]
        for name in path.split("/") if path else []:
            cursor.execute("SELECT below FROM bench_entry WHERE folder_id = %s AND name = %s", [key, name])
            key = cursor.fetchone()[0]
        return key

    def file_at(self, number, path):
        from django.db import connection

        folder, _, name = path.rpartition("/")
        with connection.cursor() as cursor:
            key = self._folder(cursor, number, folder)
            cursor.execute("SELECT * FROM bench_entry WHERE folder_id = %s AND name = %s", [key, name])
            return cursor.fetchone()[3]

    def listing(self, number, folder):
        from django.db import connection

        with connection.cursor() as cursor:
            key = self._folder(cursor, number, folder)
            cursor.execute("SELECT * FROM bench_entry WHERE folder_id = %s ORDER BY name LIMIT %s", [key, PAGE])
            return [row[3] for row in cursor.fetchall()]


def by_folder(files):
    changed = defaultdict(dict)
    for path, new in files.items():
        folder, _, name = path.rpartition("/")
        changed[folder][name] = new
        while folder:
            folder = folder.rpartition("/")[0]
            changed[folder]
    return changed


def depth(folder):
    return folder.count("/") + 1 if folder else 0
