// Documents in registries, such as the Compose files of a published project: image::push_documents() and
// image::fetch_documents(). They need no engine state.
#pragma once

#include "image/documents.hpp"  // IWYU pragma: export
