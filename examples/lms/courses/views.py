from django.contrib.auth import get_user_model
from rest_framework import mixins, viewsets
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny, IsAuthenticated, IsAuthenticatedOrReadOnly

from .models import Course, Enrolment, Lesson
from .permissions import OwnerOrReadOnly
from .serializers import CourseSerializer, EnrolmentSerializer, LessonSerializer, UserSerializer


class UserViewSet(mixins.CreateModelMixin, mixins.ListModelMixin, viewsets.GenericViewSet):
    """POST registers a new user; the list is for those who are logged in."""

    queryset = get_user_model().objects.order_by("id")
    serializer_class = UserSerializer

    def get_permissions(self):
        return [AllowAny()] if self.action == "create" else [IsAuthenticated()]


class CourseViewSet(viewsets.ModelViewSet):
    queryset = Course.objects.select_related("teacher").prefetch_related("lessons")
    serializer_class = CourseSerializer
    permission_classes = [IsAuthenticatedOrReadOnly, OwnerOrReadOnly]

    def owner_of(self, course):
        return course.teacher

    def perform_create(self, serializer):
        serializer.save(teacher=self.request.user)


class LessonViewSet(viewsets.ModelViewSet):
    queryset = Lesson.objects.select_related("course")
    serializer_class = LessonSerializer
    permission_classes = [IsAuthenticatedOrReadOnly, OwnerOrReadOnly]

    def owner_of(self, lesson):
        return lesson.course.teacher

    def require_teacher(self, serializer):
        course = serializer.validated_data.get("course")
        if course and course.teacher != self.request.user:
            raise PermissionDenied("Only the course's teacher adds lessons to it.")

    def perform_create(self, serializer):
        self.require_teacher(serializer)
        serializer.save()

    def perform_update(self, serializer):
        self.require_teacher(serializer)
        serializer.save()


class EnrolmentViewSet(
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet,
):
    """One's own enrolments."""

    serializer_class = EnrolmentSerializer
    permission_classes = [IsAuthenticated]

    def get_queryset(self):
        return Enrolment.objects.filter(student=self.request.user).select_related("student")

    def perform_create(self, serializer):
        serializer.save(student=self.request.user)
