// Whether the user has asked to come to an end, for who must not wait for somebody else then.
#pragma once

namespace consort::cli {

// Since interrupt_descriptor() (signals.hpp) was called first; whoever reads that, and whether they have yet.
bool has_been_interrupted();

}  // namespace consort::cli
