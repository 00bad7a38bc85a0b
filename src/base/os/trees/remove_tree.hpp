// Deleting trees for somebody who may not want to wait for the end of it: a tree can have millions of files.
#pragma once

#include <stop_token>
#include <string>

#include "base/error.hpp"
#include "base/os/trees/trash.hpp"

namespace consort {

// As remove_tree(path) in file.hpp. Code::interrupted: stop was requested; a part of the tree is still there.
Result<> remove_tree(const std::string& path, const std::stop_token& cancel);
// As Trash::sweep() and ScratchDirectory::sweep(), likewise: the rest is for the next sweep.
Result<> sweep_trash(const Trash& trash, const std::stop_token& cancel);
Result<std::size_t> sweep_scratch(const std::string& parent, const std::string& prefix, const std::stop_token& cancel);

}  // namespace consort
