#pragma once

#include "image/http.hpp"
