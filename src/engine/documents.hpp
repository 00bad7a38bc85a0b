// Texts in registries, such as the Compose files of a published project: image::push_documents(),
// image::fetch_documents(). They need none of an engine's state.
#pragma once

#include "image/documents.hpp"  // IWYU pragma: export
