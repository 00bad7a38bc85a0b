from rest_framework.permissions import SAFE_METHODS, BasePermission


class OwnerOrReadOnly(BasePermission):
    """Everybody may look; what belongs to somebody is changed by them alone."""

    def has_object_permission(self, request, view, obj):
        return request.method in SAFE_METHODS or view.owner_of(obj) == request.user
