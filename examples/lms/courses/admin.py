from django.contrib import admin

from .models import Course, Enrolment, Lesson


class LessonInline(admin.TabularInline):
    model = Lesson
    extra = 0


@admin.register(Course)
class CourseAdmin(admin.ModelAdmin):
    list_display = ["title", "teacher", "created_at"]
    search_fields = ["title", "description"]
    inlines = [LessonInline]


@admin.register(Enrolment)
class EnrolmentAdmin(admin.ModelAdmin):
    list_display = ["course", "student", "enrolled_at"]
    list_filter = ["course"]
