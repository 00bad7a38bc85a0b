// Records: events of what the database holds.
#include "engine/records/json_text.hpp"
#include "engine/records/records.hpp"
#include "engine/records/rows.hpp"

namespace consort::engine {

void insert_event(SQLite::Database& db, const EngineEvent& event) {
  execute(db, "INSERT INTO engine_events(time, type, action, id, project, attributes) VALUES(?, ?, ?, ?, ?, ?)",
          to_number(event.time), event.type, event.action, event.id, event.project, to_json(event.attributes));
  // Old ones are deleted now and then, so that the table stays small without a sweep.
  const std::int64_t serial = db.getLastInsertRowid();
  constexpr std::int64_t kept = 10'000;
  if (serial % 1024 == 0) execute(db, "DELETE FROM engine_events WHERE serial <= ?", serial - kept);
}

// Readers are woken by the bytes that a writer appends to the write-ahead log, which is a moment before they are
// committed. The writer holds the write lock until then: taking it here as well makes sure that nothing is missed.
Result<std::vector<EngineEvent>> Records::events(std::uint64_t after, const std::string& project) {
  return database_->transaction("list events", [&](SQLite::Database& db) -> Result<std::vector<EngineEvent>> {
    SQLite::Statement rows(db,
                           "SELECT serial, time, type, action, id, project, attributes FROM engine_events "
                           "WHERE serial > ?1 AND (?2 = '' OR project = ?2) ORDER BY serial");
    bind_all(rows, 1, static_cast<std::int64_t>(after), project);
    std::vector<EngineEvent> events;
    while (rows.executeStep()) {
      auto attributes = TRY(from_json<StringMap>(rows.getColumn(6).getString(), "event in state.db"));
      events.push_back({.serial = static_cast<std::uint64_t>(rows.getColumn(0).getInt64()),
                        .time = to_time(rows.getColumn(1).getInt64()),
                        .type = rows.getColumn(2).getString(),
                        .action = rows.getColumn(3).getString(),
                        .id = rows.getColumn(4).getString(),
                        .project = rows.getColumn(5).getString(),
                        .attributes = std::move(attributes)});
    }
    return events;
  });
}

Result<std::uint64_t> Records::last_event() {
  return database_->query("list events", [&](SQLite::Database& db) -> Result<std::uint64_t> {
    SQLite::Statement row(db, "SELECT coalesce(max(serial), 0) FROM engine_events");
    return row.executeStep() ? static_cast<std::uint64_t>(row.getColumn(0).getInt64()) : 0;
  });
}

Result<std::map<std::string, StringMap>> Records::remembered_attributes(const std::string& project,
                                                                        const std::set<std::string>& ids) {
  return database_->query("list events", [&](SQLite::Database& db) -> Result<std::map<std::string, StringMap>> {
    SQLite::Statement rows(db,
                           "SELECT id, attributes FROM engine_events WHERE project = ? AND type = 'container' AND "
                           "action IN ('create', 'destroy') ORDER BY serial");
    rows.bind(1, project);
    std::map<std::string, StringMap> found;
    while (rows.executeStep()) {
      std::string id = rows.getColumn(0).getString();
      if (ids.contains(id))
        found[std::move(id)] = TRY(from_json<StringMap>(rows.getColumn(1).getString(), "event in state.db"));
    }
    return found;
  });
}

}  // namespace consort::engine
