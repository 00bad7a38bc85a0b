#include "base/sqlite/migrations.hpp"

#include <string>

namespace consort {

namespace {

std::size_t version_of(SQLite::Database& db, const std::string& part) {
  if (!db.tableExists("schema_versions")) return 0;
  SQLite::Statement select(db, "SELECT version FROM schema_versions WHERE part = ?");
  select.bind(1, part);
  return select.executeStep() ? static_cast<std::size_t>(select.getColumn(0).getInt64()) : 0;
}

void set_version(SQLite::Database& db, const std::string& part, std::size_t version) {
  db.exec("CREATE TABLE IF NOT EXISTS schema_versions(part TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID");
  SQLite::Statement insert(db, "INSERT OR REPLACE INTO schema_versions VALUES(?, ?)");
  insert.bind(1, part);
  insert.bind(2, static_cast<std::int64_t>(version));
  insert.exec();
}

Result<> check_known(SQLite::Database& db, const std::string& part, std::size_t version, std::size_t known) {
  if (version <= known) return {};
  return fail(Error(Code::unsupported, "open database")
                  .on(db.getFilename())
                  .why("a newer version of Consort has used it: its part \"" + part + "\" has version " +
                       std::to_string(version) + ", this version supports " + std::to_string(known))
                  .hint("use the newer version, or another directory (CONSORT_DATA_ROOT)"));
}

}  // namespace

Result<> migrate(Database& database, std::string_view part, Migrations migrations) {
  const std::string name(part);
  // Checked without a lock first, because there is almost never anything to do.
  const auto current = TRY(database.query("read version of tables", [&](SQLite::Database& db) -> Result<std::size_t> {
    const std::size_t version = version_of(db, name);
    TRY(check_known(db, name, version, migrations.size()));
    return version;
  }));
  if (current == migrations.size()) return {};
  return database.transaction("bring tables up to date", [&](SQLite::Database& db) -> Result<> {
    const std::size_t version = version_of(db, name);  // another command may have been faster
    TRY(check_known(db, name, version, migrations.size()));
    for (const char* step : migrations.subspan(version)) db.exec(step);
    set_version(db, name, migrations.size());
    return {};
  });
}

}  // namespace consort
