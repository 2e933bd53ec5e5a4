"""Routes of this face: what a node may call (decision 9)."""

from django.urls import path

from evaluation.node_api import views
from evaluation.node_api.endpoint import for_lease, for_node

urlpatterns = [
    path("register", for_node("POST", views.register)),
    path("claim", for_node("POST", views.claim)),
    path("runs/<int:run_id>/companion", for_lease("POST", views.companion)),
    path("runs/<int:run_id>/hand_back", for_lease("POST", views.hand_back)),
    path("runs/<int:run_id>/heartbeat", for_lease("POST", views.heartbeat)),
    path("runs/<int:run_id>/files/<filepath:path>", for_lease("GET", views.model_file)),
    path("runs/<int:run_id>/inputs/<segment:name>", for_lease("GET", views.input_file)),
    path("runs/<int:run_id>/outputs/<segment:name>", for_lease("PUT", views.output)),
    path("runs/<int:run_id>/complete", for_lease("POST", views.complete)),
    path("runs/<int:run_id>/fail", for_lease("POST", views.fail)),
]
