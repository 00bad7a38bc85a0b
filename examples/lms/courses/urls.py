from rest_framework.routers import DefaultRouter

from . import views

router = DefaultRouter()
router.register("users", views.UserViewSet)
router.register("courses", views.CourseViewSet)
router.register("lessons", views.LessonViewSet)
router.register("enrolments", views.EnrolmentViewSet, basename="enrolment")

urlpatterns = router.urls
