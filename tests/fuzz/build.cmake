consort_fuzz(dockerfile ${CMAKE_CURRENT_LIST_DIR}/dockerfile_fuzz.cpp DEPENDS consort_build)
