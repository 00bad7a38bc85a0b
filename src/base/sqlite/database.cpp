#include "base/sqlite/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/os/fd.hpp"

#include <cerrno>

#include "base/os/fd.hpp"

namespace consort {

namespace {

// A transaction must find space even on a full disk, because nothing can be removed without one. So the log's blocks
// are allocated in advance, which does not change its length, and the database grows in chunks.
void reserve_room(SQLite::Database& connection, const std::string& path) {
  constexpr off_t log_bytes = 2 << 20;  // twice the length at which it is checkpointed
  constexpr int piece = 256 << 10;
  int bytes = piece;
  ::sqlite3_file_control(connection.getHandle(), "main", SQLITE_FCNTL_CHUNK_SIZE, &bytes);
  const Result<Fd> log = open_file(path + "-wal", O_WRONLY);
  struct stat st;
  if (!log || ::fstat(log->get(), &st) != 0 || st.st_blocks * 512 >= log_bytes) return;
  (void)::fallocate(log->get(), FALLOC_FL_KEEP_SIZE, 0, log_bytes);
}

}  // namespace

Result<Database> Database::open(const std::string& path) {
  // SQLite's companion files inherit the database's mode. An existing database is not opened here: closing it would
  // drop the locks of another connection in this process.
  if (Result<Fd> made = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600); !made && made.error().sys_errno() != EEXIST)
    return fail(std::move(made).error().wrap("open database", path));
  try {
    auto connection =
        std::make_shared<SQLite::Database>(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX);
    connection->setBusyTimeout(10'000);
    // A checkpoint at each close would make every command wait for the disk several times. The log stays instead, and
    // is checkpointed once it has grown; reading a log of this length at the next open takes less than a millisecond.
    sqlite3_db_config(connection->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    connection->exec(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=250; "
        "PRAGMA temp_store=MEMORY;");
    reserve_room(*connection, path);
    return Database(std::move(connection));
  } catch (const SQLite::Exception& e) {
    return std::unexpected(database_error("open", e).wrap("open database", path));
  }
}

Error Database::database_error(const char* what, const SQLite::Exception& e) {
  Error error(Code::io, what);
  switch (e.getErrorCode()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.data().code = Code::busy;
      break;
    case SQLITE_CONSTRAINT:
      error.data().code = Code::conflict;
      break;
    case SQLITE_FULL:
      error.data().sys_errno = ENOSPC;
      break;
    default:
      break;
  }
  // "database or disk is full" says the same as the errno.
  if (error.data().sys_errno == 0) error.data().why = e.what();
  return error;
}

}  // namespace consort
