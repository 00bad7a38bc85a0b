from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from rest_framework import serializers

from .models import Course, Enrolment, Lesson


class UserSerializer(serializers.ModelSerializer):
    password = serializers.CharField(write_only=True, validators=[validate_password])

    class Meta:
        model = get_user_model()
        fields = ["id", "username", "email", "password"]

    def create(self, validated_data):
        return get_user_model().objects.create_user(**validated_data)

    def update(self, instance, validated_data):
        password = validated_data.pop("password", None)
        if password:
            instance.set_password(password)
        return super().update(instance, validated_data)


class LessonSerializer(serializers.ModelSerializer):
    class Meta:
        model = Lesson
        fields = ["id", "course", "position", "title", "body", "document"]


class CourseSerializer(serializers.ModelSerializer):
    teacher = serializers.ReadOnlyField(source="teacher.username")
    lessons = LessonSerializer(many=True, read_only=True)
    students = serializers.IntegerField(source="enrolments.count", read_only=True)

    class Meta:
        model = Course
        fields = ["id", "title", "description", "teacher", "cover", "created_at", "lessons", "students"]


class EnrolmentSerializer(serializers.ModelSerializer):
    student = serializers.ReadOnlyField(source="student.username")

    class Meta:
        model = Enrolment
        fields = ["id", "course", "student", "enrolled_at"]

    def validate_course(self, course):
        if course.enrolments.filter(student=self.context["request"].user).exists():
            raise serializers.ValidationError("You are enrolled in this course already.")
        return course
