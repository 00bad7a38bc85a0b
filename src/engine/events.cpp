// Events. Changes of records are recorded in the database, in the same transaction; what containers do, in the journal
// that their supervisor writes. Readers get both as one stream.
#include "engine/events.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/sha256.hpp"
#include "engine/engine_impl.hpp"
#include "supervisor/journal.hpp"

namespace consort::engine {

namespace {

using Facts = std::map<std::string, StringMap>;  // by container: labels and image
using Entries = std::vector<supervisor::JournalEntry>;

// Docker's precedence: a label may hide the event's own attributes, name and image hide labels.
StringMap attributes_of(StringMap own, const StringMap& labels, const std::string& name, const std::string& image) {
  for (const auto& [key, value] : labels) own[key] = value;
  own["name"] = name;
  own["image"] = image;
  return own;
}

Result<Facts> facts_of(Records& records, const std::string& project, const Entries& entries) {
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

// A container was connected to or disconnected from a network.
EngineEvent network_event_of(const supervisor::JournalEntry& entry, const std::string& project) {
  return {.serial = 0,
          .time = entry.time,
          .type = "network",
          .action = entry.action,
          .id = entry.network_id,
          .project = project,
          .attributes = {{"container", entry.id}, {"name", entry.network_name}, {"type", "bridge"}}};
}

EngineEvent event_of(const supervisor::JournalEntry& entry, const std::string& project, const Facts& facts) {
  if (!entry.network_id.empty()) return network_event_of(entry, project);
  EngineEvent event{.serial = 0,
                    .time = entry.time,
                    .type = "container",
                    .action = entry.action,
                    .id = entry.id,
                    .project = project,
                    .attributes = {}};
  event.attributes.insert(entry.attributes.begin(), entry.attributes.end());
  // Docker's is a random number of that length; this one is the same for every reader.
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

struct EventStream::State {
  State(Engine::Impl& the_impl, std::string of) : impl(the_impl), project(std::move(of)) {}

  Engine::Impl& impl;
  std::string project;                                          // "": all
  std::uint64_t serial = 0;                                     // read so far in the database
  std::map<std::string, supervisor::JournalPosition> journals;  // and in the journals, by project
  std::map<std::string, std::string> renamed;                   // by container: what supervisors don't know
  Fd inotify;

  void begin_to_watch();
  bool add_watch(const std::string& path, std::uint32_t what) const {
    return ::inotify_add_watch(inotify.get(), path.c_str(), what) >= 0;
  }
  std::vector<std::string> projects() const;
  void watch_projects();
  void empty() const;
  // A supervisor goes on with the name that its container was started with. In the order of time.
  void name_as_then(EngineEvent& event);
  // Adds new entries, and returns whether there were any.
  Result<bool> read(std::map<std::string, Entries>& entries, std::vector<EngineEvent>& events);
};

// A journal grows in its project's run directory, the database's in its write-ahead log. That file exists for as long
// as somebody has the database open, as we have. The directories are created with a project's first start.
void EventStream::State::begin_to_watch() {
  inotify = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return;
  const std::string parent = impl.roots.project_run("");
  (void)make_directories(parent, 0700);  // cannot: then it cannot be watched
  if (!add_watch(parent, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) || !add_watch(impl.roots.state_db() + "-wal", IN_MODIFY))
    inotify.reset();
}

std::vector<std::string> EventStream::State::projects() const {
  if (!project.empty()) return {project};
  return list_directory(impl.roots.project_run("")).value_or(std::vector<std::string>{});
}

// On every look: adding an existing watch again changes nothing.
void EventStream::State::watch_projects() {
  if (!inotify) return;
  for (const std::string& each : projects()) {
    const std::string directory = impl.roots.project_run(each);
    if (!add_watch(directory, IN_MODIFY | IN_ONLYDIR) && path_exists(directory)) return inotify.reset();
  }
}

void EventStream::State::empty() const {
  std::array<std::byte, 4096> changes;  // what exactly has changed is looked up
  while (inotify && ::read(inotify.get(), changes.data(), changes.size()) > 0) {
  }
}

void EventStream::State::name_as_then(EngineEvent& event) {
  if (event.type != "container") return;
  if (event.action == "rename") renamed[event.id] = event.attributes["name"];
  if (const auto name = renamed.find(event.id); name != renamed.end()) event.attributes["name"] = name->second;
  if (event.action == "destroy") renamed.erase(event.id);
}

Result<bool> EventStream::State::read(std::map<std::string, Entries>& entries, std::vector<EngineEvent>& events) {
  bool any = false;
  watch_projects();
  for (const std::string& each : projects()) {
    auto journal = TRY(supervisor::read_journal(impl.roots.project_run(each), journals[each]));
    if (journal.empty()) continue;
    any = true;
    std::ranges::move(journal, std::back_inserter(entries[each]));
  }
  for (EngineEvent& event : TRY(impl.records.events(serial, project))) {
    any = true;
    serial = std::max(serial, event.serial);
    events.push_back(std::move(event));
  }
  return any;
}

EventStream::EventStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventStream::EventStream(EventStream&&) noexcept = default;
EventStream& EventStream::operator=(EventStream&&) noexcept = default;
EventStream::~EventStream() = default;

int EventStream::fd() const {
  return state_->inotify.get();
}

// The sources keep growing. All are read until none has anything new: then whatever came before an event that was read
// (`create` before `start`, `die` before `destroy`) has been read as well.
Result<std::vector<EngineEvent>> EventStream::next() {
  constexpr int most_rounds = 20;
  state_->empty();
  std::vector<EngineEvent> events;
  std::map<std::string, Entries> entries;
  for (int round = 0; round < most_rounds; ++round)
    if (!TRY(state_->read(entries, events))) break;
  for (const auto& [project, journal] : entries) {
    const Facts facts = TRY(facts_of(state_->impl.records, project, journal));
    for (const supervisor::JournalEntry& entry : journal) events.push_back(event_of(entry, project, facts));
  }
  std::ranges::stable_sort(events, {}, &EngineEvent::time);
  for (EngineEvent& event : events) state_->name_as_then(event);
  return events;
}

// A journal that begins after this is read from its beginning: its project did not exist yet.
Result<> EventStream::skip_to_now() {
  State& state = *state_;
  state.empty();
  state.serial = TRY(state.impl.records.last_event());
  for (EngineEvent& event : TRY(state.impl.records.events(0, state.project))) state.name_as_then(event);
  for (const std::string& each : state.projects())
    state.journals[each] = TRY(supervisor::end_of_journal(state.impl.roots.project_run(each)));
  return {};
}

EventStream Engine::events(const std::string& project) {
  auto state = std::make_unique<EventStream::State>(*impl_, project);
  state->begin_to_watch();
  state->watch_projects();
  return EventStream(std::move(state));
}

}  // namespace consort::engine
