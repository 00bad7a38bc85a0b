// The shape of a database, by version: state.db outlives the program that made it. Each module has tables of its own
// and brings them from version to version by itself.
#pragma once

#include <span>
#include <string_view>

#include "base/sqlite/database.hpp"

namespace consort {

// SQL that makes version N + 1 of version N, N being its place. The first one makes the tables, and takes over those of
// the time before versions were written down (IF NOT EXISTS). What was released is never changed, only continued. A
// table that others refer to is rebuilt under `PRAGMA defer_foreign_keys=ON`.
using Migrations = std::span<const char* const>;

// Runs what is missing, in one transaction. Tables of a newer program are left alone: Code::unsupported.
Result<> migrate(Database& database, std::string_view part, Migrations migrations);

}  // namespace consort
