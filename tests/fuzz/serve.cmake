consort_fuzz(http_request http_request_fuzz.cpp DEPENDS consort_serve)
consort_fuzz(websocket websocket_fuzz.cpp DEPENDS consort_serve)
