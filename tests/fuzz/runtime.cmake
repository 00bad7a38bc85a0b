consort_fuzz(runtime runtime_fuzz.cpp DEPENDS consort_runtime)
