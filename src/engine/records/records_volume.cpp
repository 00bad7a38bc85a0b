#include "base/strings.hpp"
#include "engine/records/json_text.hpp"
#include "engine/records/records.hpp"
#include "engine/records/rows.hpp"

namespace consort::engine {

namespace {

constexpr const char* volume_columns = "SELECT name, anonymous, created, spec FROM engine_volumes ";

Result<Volume> read_volume(SQLite::Statement& row) {
  Volume volume;
  volume.spec = TRY(from_json<VolumeSpec>(row.getColumn(3).getString(), "volume in state.db"));
  volume.spec.name = row.getColumn(0).getString();
  volume.anonymous = row.getColumn(1).getInt() != 0;
  volume.created_at = to_time(row.getColumn(2).getInt64());
  return volume;
}

EngineEvent volume_event(const std::string& name, const char* action) {
  return {.time = system_now(),
          .type = "volume",
          .action = action,
          .id = name,
          .project = "",
          .attributes = {{"driver", "local"}}};
}

Strings users(SQLite::Database& db, const std::string& name) {
  SQLite::Statement rows(db, "SELECT container_id FROM engine_mounted WHERE volume = ? ORDER BY container_id");
  rows.bind(1, name);
  Strings ids;
  while (rows.executeStep()) ids.push_back(rows.getColumn(0).getString());
  return ids;
}

Result<> check_unused(SQLite::Database& db, const std::string& name) {
  const Strings ids = users(db, name);
  if (ids.empty()) return {};
  return fail(Error(Code::conflict, "remove " + name + ": volume is in use - [" + join(ids, ", ") + "]")
                  .hint("first remove the containers that use it, including stopped ones"));
}

}  // namespace

Result<std::pair<Volume, bool>> Records::add_volume(const Volume& volume) {
  return database_->transaction("record volume", [&](SQLite::Database& db) -> Result<std::pair<Volume, bool>> {
    SQLite::Statement row(db, std::string(volume_columns) + "WHERE name = ?");
    row.bind(1, volume.spec.name);
    if (row.executeStep()) return std::pair(TRY(read_volume(row)), false);
    execute(db, "INSERT INTO engine_volumes(name, anonymous, created, spec) VALUES(?, ?, ?, ?)", volume.spec.name,
            volume.anonymous ? 1 : 0, to_number(volume.created_at), to_json(volume.spec));
    insert_event(db, volume_event(volume.spec.name, "create"));
    return std::pair(volume, true);
  });
}

Result<Volume> Records::find_volume(const std::string& name) {
  return database_->query("find volume", [&](SQLite::Database& db) -> Result<Volume> {
    SQLite::Statement row(db, std::string(volume_columns) + "WHERE name = ?");
    row.bind(1, name);
    if (!row.executeStep()) return fail(Error(Code::not_found, "get " + name + ": no such volume"));
    return read_volume(row);
  });
}

Result<std::vector<Volume>> Records::list_volumes() {
  return database_->query("list volumes", [](SQLite::Database& db) -> Result<std::vector<Volume>> {
    SQLite::Statement rows(db, std::string(volume_columns) + "ORDER BY name");
    std::vector<Volume> volumes;
    while (rows.executeStep()) volumes.push_back(TRY(read_volume(rows)));
    return volumes;
  });
}

Result<Strings> Records::users_of_volume(const std::string& name) {
  return database_->query("list users of volume", [&](SQLite::Database& db) { return users(db, name); });
}

Result<> Records::check_volume_unused(const std::string& name) {
  return database_->query("find users of volume", [&](SQLite::Database& db) { return check_unused(db, name); });
}

bool Records::forget_volume_within(SQLite::Database& transaction, const std::string& name) {
  if (!users(transaction, name).empty()) return false;
  if (execute(transaction, "DELETE FROM engine_volumes WHERE name = ?", name) == 0) return false;
  insert_event(transaction, volume_event(name, "destroy"));
  return true;
}

Result<> Records::forget_volume(const std::string& name) {
  return database_->transaction("forget volume", [&](SQLite::Database& db) -> Result<> {
    TRY(check_unused(db, name));
    if (forget_volume_within(db, name)) return {};
    return fail(Error(Code::not_found, "get " + name + ": no such volume"));
  });
}

}  // namespace consort::engine
