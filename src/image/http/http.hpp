// Makes HttpRequest and HttpClient available under this directory's name; the interface is in image/http.hpp.
#pragma once

#include "image/http.hpp"
