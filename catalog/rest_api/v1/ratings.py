"""Ratings and reviews of one repo."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import access, actors
from catalog.actions.community import ratings
from catalog.models import Rating, Repo
from catalog.queries import stats
from catalog.queries.paging import LARGEST_PAGE
from catalog.rest_api.v1.base import CURSOR, LIMIT, REPO_PATH, ApiView, actor_of, next_url


class RatingIn(serializers.Serializer[object]):
    stars = serializers.IntegerField(min_value=1, max_value=5)
    text = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=ratings.LONGEST_TEXT,
        help_text="The review, 10 to 4000 characters; empty takes it away, left out keeps it.",
    )
    used_for = serializers.CharField(required=False, allow_blank=True, max_length=ratings.LONGEST_NOTE)
    hardware = serializers.CharField(required=False, allow_blank=True, max_length=ratings.LONGEST_NOTE)
    language = serializers.CharField(
        required=False, allow_blank=True, max_length=ratings.LONGEST_LANGUAGE, help_text="BCP 47 tag of the text."
    )


class RatingOut(serializers.Serializer[Rating]):
    stars = serializers.IntegerField()
    text = serializers.CharField()
    used_for = serializers.CharField()
    hardware = serializers.CharField()
    language = serializers.CharField()
    revision = serializers.CharField(help_text="Commit that was the newest when this was written.")
    verified_use = serializers.BooleanField(
        source="is_verified_use", help_text="The author downloaded the weights or ran an evaluation."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ReviewOut(RatingOut):
    author = serializers.CharField(source="user.username")
    author_name = serializers.CharField(source="user.display_name")


class ReviewPageOut(serializers.Serializer[object]):
    results = ReviewOut(many=True)
    next = serializers.URLField(allow_null=True)


class RatingSummaryOut(serializers.Serializer[stats.RatingSummary]):
    count = serializers.IntegerField()
    mean = serializers.FloatField(allow_null=True, help_text="Of 1 to 5 stars.")
    histogram = serializers.ListField(child=serializers.IntegerField(), help_text="How many gave 1, 2, 3, 4, 5 stars.")
    recent_count = serializers.IntegerField(help_text="Of the last 90 days, and of the weights as they are now.")
    recent_mean = serializers.FloatField(allow_null=True)
    verified_share = serializers.FloatField(allow_null=True, help_text="0 to 1: by people who used it for certain.")
    reviews = serializers.IntegerField(source="review_count", help_text="Ratings with a text.")


class RatingStateOut(serializers.Serializer[object]):
    mine = RatingOut(allow_null=True)
    summary = RatingSummaryOut()
    may_rate = serializers.BooleanField()
    reason = serializers.CharField(help_text="Why not, when you may not.")


class MyRatingView(ApiView):
    """The caller's own rating of one repo."""

    kind: str = Repo.Kind.MODEL

    @extend_schema(parameters=REPO_PATH, responses=RatingStateOut)
    def get(self, request: Request, owner: str, name: str) -> Response:
        """Your rating beside what everybody's add up to."""
        actor = actor_of(request)
        repo = access.repo_to_read(actor, self.kind, owner, name)
        user = actor.user
        reason = ratings.refusal(repo, user) if user else "Sign in to rate."
        state = {
            "mine": repo.ratings.filter(user=user).first() if user else None,
            "summary": stats.rating_summary(repo),
            "may_rate": not reason,
            "reason": reason,
        }
        return Response(RatingStateOut(state).data)

    @extend_schema(parameters=REPO_PATH, request=RatingIn, responses=RatingOut)
    def put(self, request: Request, owner: str, name: str) -> Response:
        """Rate, or change your rating; what it said before is kept as history."""
        actor = actor_of(request)
        repo = access.repo_to_read(actor, self.kind, owner, name)
        user = actors.personally(actor)
        asked = RatingIn(data=request.data)
        asked.is_valid(raise_exception=True)
        rating = ratings.rate_repo(repo=repo, actor=user, **asked.validated_data)
        return Response(RatingOut(rating).data)

    @extend_schema(parameters=REPO_PATH, responses={204: None})
    def delete(self, request: Request, owner: str, name: str) -> Response:
        """Take your rating away."""
        actor = actor_of(request)
        repo = access.repo_to_read(actor, self.kind, owner, name)
        ratings.withdraw_rating(repo=repo, actor=actors.personally(actor))
        return Response(status=204)


class ReviewQuery(serializers.Serializer[object]):
    stars = serializers.IntegerField(required=False, min_value=1, max_value=5)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_PAGE, default=stats.DEFAULT_LIMIT)
    cursor = serializers.CharField(required=False, default="")


class ReviewListView(ApiView):
    """Ratings that say something, newest first."""

    kind: str = Repo.Kind.MODEL

    @extend_schema(
        parameters=[*REPO_PATH, OpenApiParameter("stars", int, description="Only these, 1 to 5."), LIMIT, CURSOR],
        responses=ReviewPageOut,
    )
    def get(self, request: Request, owner: str, name: str) -> Response:
        """Ratings that say something, newest first."""
        repo = access.repo_to_read(actor_of(request), self.kind, owner, name)
        asked = ReviewQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        page = stats.reviews_of(repo, **asked.validated_data)
        answer = {"results": page.items, "next": next_url(request, page.next_cursor)}
        return Response(ReviewPageOut(answer).data)
