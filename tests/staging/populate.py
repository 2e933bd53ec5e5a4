"""People and teams, made inside the site by `manage.py shell`, in one process: each start of Django takes seconds.

STAGING_PEOPLE says who; the last line printed is name → token.
"""

import json
import os

from catalog.actions.community import following
from catalog.actions.people import accounts

told = json.loads(os.environ["STAGING_PEOPLE"])
people = {
    name: accounts.create_user(name=name, full_name=full_name, is_admin=name == told["administrator"])
    for name, full_name in told["people"].items()
}
for name, full_name, admin, visibility in told["teams"]:
    team = accounts.create_organisation(
        name=name, admin=people[admin], full_name=full_name, default_visibility=visibility
    )
    if name == told["popular_team"]:
        accounts.add_member(organisation=team, user=people[told["popular"]], role="read", actor=None)
        following.follow(namespace=team.namespace, actor=people[told["popular"]])
popular = people[told["popular"]]
for number in range(told["followers"]):
    fan = accounts.create_user(name=f"fan-{number}", full_name=f"Fan {number}")
    following.follow(namespace=popular.namespace, actor=fan)
    following.follow(namespace=fan.namespace, actor=popular)
tokens = {name: accounts.create_token(user=person, name="tests", role="write")[1] for name, person in people.items()}
print(json.dumps(tokens))
