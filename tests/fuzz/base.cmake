consort_fuzz(clock ${CMAKE_CURRENT_SOURCE_DIR}/clock_fuzz.cpp DEPENDS consort_base)
consort_fuzz(settings ${CMAKE_CURRENT_SOURCE_DIR}/settings_fuzz.cpp DEPENDS consort_base)
