"""Run inside the stack: consort exec web python manage.py test"""
from django.contrib.auth import get_user_model
from rest_framework.test import APITestCase


class CourseApiTest(APITestCase):
    def setUp(self):
        self.teacher = get_user_model().objects.create_user("teacher", password="chalk-and-board")
        self.student = get_user_model().objects.create_user("student", password="pen-and-paper")

    def create_course(self):
        self.client.force_authenticate(self.teacher)
        return self.client.post("/api/courses/", {"title": "Compose"}).data["id"]

    def test_anonymous_reads_but_does_not_write(self):
        self.assertEqual(self.client.get("/api/courses/").status_code, 200)
        self.assertEqual(self.client.post("/api/courses/", {"title": "x"}).status_code, 403)

    def test_only_the_teacher_changes_a_course(self):
        course = self.create_course()
        self.client.force_authenticate(self.student)
        self.assertEqual(self.client.delete(f"/api/courses/{course}/").status_code, 403)
        lesson = {"course": course, "title": "mine"}
        self.assertEqual(self.client.post("/api/lessons/", lesson).status_code, 403)

    def test_one_enrols_once(self):
        course = self.create_course()
        self.client.force_authenticate(self.student)
        self.assertEqual(self.client.post("/api/enrolments/", {"course": course}).status_code, 201)
        self.assertEqual(self.client.post("/api/enrolments/", {"course": course}).status_code, 400)
        self.assertEqual(self.client.get(f"/api/courses/{course}/").data["students"], 1)
