// How every command that works with images begins.
#pragma once

#include <stop_token>

#include "image/store.hpp"

namespace consort::image {

// Deletes what commands that were killed have left, and then keeps deletions of unused content away. What cannot be
// deleted now is left for the next one. Code::interrupted: stop was requested; what was not deleted stays in the trash.
Result<Session> begin_session(Store& store, const std::stop_token& cancel = {});

}  // namespace consort::image
