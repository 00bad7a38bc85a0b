consort_fuzz(control_message ${CMAKE_CURRENT_SOURCE_DIR}/control_message_fuzz.cpp DEPENDS consort_supervisor)
consort_fuzz(container_unit ${CMAKE_CURRENT_SOURCE_DIR}/container_unit_fuzz.cpp DEPENDS consort_supervisor)
consort_fuzz(container_log ${CMAKE_CURRENT_SOURCE_DIR}/container_log_fuzz.cpp DEPENDS consort_supervisor)
