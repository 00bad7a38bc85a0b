// Events. What changes a record is told by the database, in the transaction of that change; what containers do, by the
// journal that their supervisor writes. Readers get both as one.
#include <sys/inotify.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/os/file.hpp"
#include "base/sha256.hpp"
#include "engine/engine_impl.hpp"
#include "supervisor/journal.hpp"

namespace consort::engine {

namespace {

using Facts = std::map<std::string, StringMap>;  // by container: labels and image

// Docker's precedence: a label may hide what is the event's alone, name and image hide labels.
StringMap attributes_of(StringMap own, const StringMap& labels, const std::string& name, const std::string& image) {
  for (const auto& [key, value] : labels) own[key] = value;
  own["name"] = name;
  own["image"] = image;
  return own;
}

Result<Facts> facts_of(Records& records, const std::string& project,
                       const std::vector<supervisor::JournalEntry>& entries) {
  std::set<std::string> unknown;
  for (const supervisor::JournalEntry& entry : entries) unknown.insert(entry.id);
  Facts facts;
  if (unknown.empty()) return facts;
  for (const Container& container : TRY(records.list_containers(project, {}))) {
    if (unknown.erase(container.id) > 0)
      facts[container.id] = attributes_of({}, container.labels, container.name, container.image);
  }
  if (!unknown.empty()) facts.merge(TRY(records.remembered_attributes(project, unknown)));
  return facts;
}

EngineEvent event_of(const supervisor::JournalEntry& entry, const std::string& project, const Facts& facts) {
  EngineEvent event{.serial = 0,
                    .time = entry.time,
                    .type = "container",
                    .action = entry.action,
                    .id = entry.id,
                    .project = project,
                    .attributes = {}};
  event.attributes.insert(entry.attributes.begin(), entry.attributes.end());
  // Docker's is a random number of that length; this one is the same for everybody who asks.
  if (entry.exec != 0) event.attributes["execID"] = sha256_hex(entry.id + "/" + std::to_string(entry.exec));
  if (const auto known = facts.find(entry.id); known != facts.end())
    for (const auto& [key, value] : known->second) event.attributes[key] = value;
  event.attributes["name"] = entry.name;  // as it was then
  return event;
}

}  // namespace

EngineEvent Engine::Impl::container_event(const Container& container, const char* action, StringMap more) const {
  return {.time = system_now(),
          .type = "container",
          .action = action,
          .id = container.id,
          .project = container.project,
          .attributes = attributes_of(std::move(more), container.labels, container.name, container.image)};
}

void Engine::Impl::note(const Container& container, const std::string& action, StringMap more) const {
  supervisor::JournalEntry entry{
      .time = system_now(), .action = action, .id = container.id, .name = container.name, .attributes = {}, .exec = 0};
  entry.attributes.insert(more.begin(), more.end());
  (void)supervisor::append_to_journal(roots.project_run(container.project), entry);
}

void Engine::note_event(const Container& container, const std::string& action, const StringMap& attributes) {
  impl_->note(container, action, attributes);
}

// Of two sources that go on growing. Both are read until neither has anything new: then whatever came before something
// that was read (its `create` before a `start`, its `die` before a `destroy`) has been read as well.
Result<std::vector<EngineEvent>> Engine::events(const std::string& project, EventCursor& cursor) {
  constexpr int most_rounds = 20;
  std::vector<EngineEvent> events;
  std::vector<supervisor::JournalEntry> entries;
  supervisor::JournalPosition position{cursor.journal_inode, cursor.journal_offset};
  for (int round = 0; round < most_rounds; ++round) {
    auto journal = TRY(supervisor::read_journal(impl_->roots.project_run(project), position));
    auto records = TRY(impl_->records.events(cursor.serial, project));
    if (journal.empty() && records.empty()) break;
    std::ranges::move(journal, std::back_inserter(entries));
    for (EngineEvent& event : records) {
      cursor.serial = std::max(cursor.serial, event.serial);
      events.push_back(std::move(event));
    }
  }
  cursor.journal_inode = position.inode;
  cursor.journal_offset = position.offset;
  const Facts facts = TRY(facts_of(impl_->records, project, entries));
  for (const supervisor::JournalEntry& entry : entries) events.push_back(event_of(entry, project, facts));
  std::ranges::stable_sort(events, {}, &EngineEvent::time);
  return events;
}

// The journal grows in the run folder, the database's in its log of changes. That file is there for as long as somebody
// has the database open, as we have.
Result<Fd> Engine::watch_events(const std::string& project) {
  const std::string folder = impl_->roots.project_run(project);
  if (!path_exists(folder)) return Fd();
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return Fd();  // a user has a limited number of them
  const std::string changes = impl_->roots.state_db() + "-wal";
  if (::inotify_add_watch(fd.get(), folder.c_str(), IN_MODIFY | IN_ONLYDIR) < 0 ||
      ::inotify_add_watch(fd.get(), changes.c_str(), IN_MODIFY) < 0)
    return Fd();
  return fd;
}

}  // namespace consort::engine
