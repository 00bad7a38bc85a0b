consort_fuzz(dockerfile ${CMAKE_CURRENT_LIST_DIR}/dockerfile_fuzz.cpp DEPENDS consort_build)
consort_fuzz(build_cache ${CMAKE_CURRENT_LIST_DIR}/build_cache_fuzz.cpp DEPENDS consort_build)
consort_fuzz(ssh_agent_messages ${CMAKE_CURRENT_LIST_DIR}/ssh_agent_messages_fuzz.cpp DEPENDS consort_build)
