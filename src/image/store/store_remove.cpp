// Removes names, images, and then everything that is no longer referenced.
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "image/prune_plan.hpp"
#include "image/store/references.hpp"
#include "image/store/store_state.hpp"
#include "image/store/store_sweep.hpp"

namespace consort::image {

namespace {

std::vector<std::string> holders_of(SQLite::Database& db, const std::string& image_id) {
  SQLite::Statement select(db, "SELECT owner FROM image_holds WHERE kind = 0 AND object = ? ORDER BY owner");
  select.bind(1, image_id);
  std::vector<std::string> owners;
  while (select.executeStep()) owners.push_back(select.getColumn(0).getString());
  return owners;
}

void erase_image(SQLite::Database& db, const std::string& id) {
  // SQLiteCpp statements: ON DELETE CASCADE removes the child rows.
  SQLite::Statement remove(db, "DELETE FROM image_images WHERE id = ?");
  remove.bind(1, id);
  remove.exec();
}

void untag(SQLite::Database& db, const Reference& name) {
  SQLite::Statement remove(db, name.digest ? "DELETE FROM image_digests WHERE repository = ? AND digest = ?"
                                           : "DELETE FROM image_names WHERE repository = ? AND tag = ?");
  remove.bind(1, name.name());
  remove.bind(2, name.digest ? name.digest->text() : name.tag);
  remove.exec();
}

bool is_id_text(std::string_view text, const Image& image) {
  const std::string_view hex = text.starts_with("sha256:") ? text.substr(7) : text;
  return std::string_view(image.id).substr(7).starts_with(to_lower(hex));
}

// The users of the image itself, regardless of its names. Not inside a transaction: the callback queries other tables
// of the same file.
Result<std::vector<std::string>> needed_by(const Store::State& state, const Image& image, const ImageUsers& users) {
  std::vector<std::string> owners =
      TRY(state.database.query("ask for holders", [&](SQLite::Database& db) { return holders_of(db, image.id); }));
  return users ? users(image, owners) : owners;
}

std::vector<std::string> names_of(const Image& image) {
  std::vector<std::string> names = image.names;
  names.insert(names.end(), image.other_names.begin(), image.other_names.end());
  return names;
}

// The image, and those that share a name with it for other platforms. A name may have been removed since the image was
// read.
Result<std::vector<Image>> with_platforms(const Store& store, const Image& image) {
  std::vector<Image> images{image};
  for (const std::string& name : names_of(image)) {
    auto sharing = store.platforms_of(name);
    if (!sharing && sharing.error().code() == Code::not_found) continue;
    for (Image& other : TRY(std::move(sharing)))
      if (std::ranges::find(images, other.id, &Image::id) == images.end()) images.push_back(std::move(other));
  }
  return images;
}

struct Removal {
  std::string text;
  Image image;  // the image to which the text refers
  bool by_id = false;
  bool force = false;
  std::vector<std::string> leaving;                                    // names to be removed
  std::vector<std::pair<Image, std::vector<std::string>>> going = {};  // images that will have no name; users of each

  std::vector<std::string> users() const {
    std::vector<std::string> all;
    for (const auto& [gone, who] : going) all.insert(all.end(), who.begin(), who.end());
    return all;
  }
};

// The number of names that an image has left after the removal.
std::size_t names_left(const Removal& removal, const Image& image) {
  if (removal.by_id && image.id == removal.image.id) return 0;
  const std::vector<std::string> names = names_of(image);
  const auto stays = [&](const std::string& name) {
    return std::ranges::find(removal.leaving, name) == removal.leaving.end();
  };
  const auto left = static_cast<std::size_t>(std::ranges::count_if(names, stays));
  // Removing an image by its digest also removes its only name.
  const bool by_digest = !removal.by_id && removal.leaving.front().contains('@');
  return by_digest && left == 1 ? 0 : left;
}

Result<> may_remove(const Removal& removal) {
  if (const auto names = names_of(removal.image); removal.by_id && !removal.force && names.size() > 1) {
    std::vector<std::string> shown;
    for (const std::string& name : names) shown.push_back(familiar_name(name));
    return fail(Error(Code::conflict, "unable to delete " + removal.image.short_id() + " (must be forced)")
                    .why("image is referenced in multiple repositories: " + join(shown, ", ")));
  }
  const std::vector<std::string> users = removal.users();
  if (users.empty()) return {};
  const std::string who = "image is being used by " + join(users, ", ");
  if (removal.by_id)
    return fail(Error(Code::conflict, "unable to delete " + removal.image.short_id() + " (cannot be forced)").why(who));
  if (removal.force) return {};
  return fail(Error(Code::conflict, "unable to remove repository reference \"" + removal.text + "\" (must force)")
                  .why(who)
                  .hint("first remove what uses it"));
}

}  // namespace

Result<RemoveReport> Store::remove(std::string_view text, Removal mode, const ImageUsers& users) {
  RemoveReport report;
  (void)sweep_abandoned();
  const Image found = TRY(find(text));
  const auto reference = Reference::parse(text);
  image::Removal removal{std::string(text), found, is_id_text(text, found), mode == Removal::force, found.names};
  if (reference && std::ranges::find(found.names, reference->full()) != found.names.end()) removal.by_id = false;
  if (!removal.by_id) removal.leaving = {reference->full()};

  for (const Image& image : TRY(with_platforms(*this, found)))
    if (names_left(removal, image) == 0) removal.going.emplace_back(image, TRY(needed_by(*state_, image, users)));
  TRY(may_remove(removal));
  TRY(state_->database.transaction("remove image", [&](SQLite::Database& db) -> Result<> {
    for (const std::string& name : removal.leaving) {
      const Reference leaving_name = TRY(Reference::parse(name));
      untag(db, leaving_name);
      report.untagged.push_back(leaving_name.familiar());
    }
    for (const auto& [image, image_users] : removal.going) {
      if (!image_users.empty()) continue;
      for (const std::string& digest : image.digests) {
        const std::string shown = familiar_name(digest);
        if (std::ranges::find(report.untagged, shown) == report.untagged.end()) report.untagged.push_back(shown);
      }
      erase_image(db, image.id);
      report.deleted.push_back(image.id);
    }
    return {};
  }));
  if (report.deleted.empty()) return report;
  // Others are at work: the files wait for the next removal or prune.
  Result<Fd> lock = lock_store(*state_, Locking::exclusive);
  if (lock) report.reclaimed = TRY(delete_unused(*state_, Unused::all, std::move(*lock)));
  return report;
}

namespace {

bool wants(const PruneOptions& options, const Image& image) {
  switch (options.images) {
    case PruneOptions::Images::none:
      return false;
    case PruneOptions::Images::untagged:
      return !image.is_named();
    case PruneOptions::Images::unused:
      return true;
  }
  return false;
}

Result<PruneReport> run_prune(const Store& store, const PruneOptions& options, const ImageUsers& users,
                              const std::string& forgotten) {
  const Store::State& state = store.state();
  PruneReport report;
  References references = TRY(References::read(state, forgotten));
  const bool act = options.mode == PruneOptions::Mode::act;
  for (const Image& image : TRY(store.list())) {
    if (!wants(options, image)) continue;
    PruneItem item{PruneItem::Kind::image, image.id, image.display_name(), image.size, {}};
    // The images of a name are kept or removed together.
    for (const Image& each : TRY(with_platforms(store, image)))
      for (std::string& user : TRY(needed_by(state, each, users))) item.needed_by.push_back(std::move(user));
    if (item.needed_by.empty()) item.size = references.drop_image(image.id);
    if (act && item.needed_by.empty())
      TRY(state.database.transaction("remove image", [&](SQLite::Database& db) { erase_image(db, image.id); }));
    report.items.push_back(std::move(item));
  }
  for (PruneItem& item : references.drop_unused_layers()) report.items.push_back(std::move(item));
  std::vector<Trash::Item> taken;
  Result<Fd> lock = lock_store(state, Locking::exclusive);
  if (lock) {
    if (act)
      TRY(state.database.transaction(
          "forget unused layers", [&](SQLite::Database& db) { (void)forget_unused_layers(state, db, Unused::all); }));
    for (Leftover& left : TRY(find_leftovers(state))) {
      if (act) taken.push_back(TRY(take_leftover(state, left)));
      // Files of what was listed above are not listed twice.
      if (!references.is_counted(left.item.id)) report.items.push_back(std::move(left.item));
    }
  }
  report.others_active = !lock.has_value();
  if (lock) lock->reset();  // deleting takes long, and others may work meanwhile
  TRY(remove_taken(taken));
  if (act && !lock) return report;  // the files are still there
  for (const PruneItem& item : report.items)
    if (item.needed_by.empty()) report.reclaimed += item.size;
  return report;
}

}  // namespace

Result<PruneReport> Store::prune(const PruneOptions& options, const ImageUsers& users) {
  return run_prune(*this, options, users, "");
}

Result<PruneReport> plan_prune(const Store& store, PruneOptions::Images images, const ImageUsers& users,
                               const std::string& forgotten) {
  return run_prune(store, {images, PruneOptions::Mode::plan}, users, forgotten);
}

}  // namespace consort::image
