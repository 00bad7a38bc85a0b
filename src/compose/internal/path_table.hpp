// Tables that map path patterns to a pass's action: {"services.*.ports.[].target", ...}. "*" stands for any key, "[]"
// for the items of a list. Patterns for services also apply to their pre_start hooks and to jobs, which are containers
// too. A pass walks the tree with a Cursor, so that a lookup costs one step per level.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace consort::compose {

template <typename T>
class PathTable {
  struct Step {
    std::string name;
    std::vector<std::unique_ptr<Step>> children;
    Step* any = nullptr;  // the child for "*"
    bool has_value = false;
    T value{};
  };

 public:
  class Cursor {
   public:
    Cursor() = default;
    Cursor child(std::string_view key) const {
      if (!step_) return {};
      for (const auto& each : step_->children) {
        if (each->name == key) return Cursor(each.get());
      }
      return Cursor(step_->any);
    }
    Cursor item() const { return child("[]"); }
    const T* value() const { return step_ && step_->has_value ? &step_->value : nullptr; }
    bool alive() const { return step_ != nullptr; }  // false: the table has no entries at or below this path

   private:
    friend class PathTable;
    explicit Cursor(const Step* step) : step_(step) {}
    const Step* step_ = nullptr;
  };

  PathTable(std::initializer_list<std::pair<std::string_view, T>> rows) {
    constexpr std::string_view service = "services.*.";
    for (const auto& [pattern, value] : rows) {
      add(pattern, value);
      if (pattern.starts_with(service))
        for (const std::string_view like : {"services.*.pre_start.[].", "jobs.*."})
          add(std::string(like) + std::string(pattern.substr(service.size())), value);
    }
  }
  PathTable() = default;
  Cursor root() const { return Cursor(&root_); }

  void add(std::string_view pattern, T value) {
    Step* step = &root_;
    while (!pattern.empty()) {
      const std::size_t dot = pattern.find('.');
      const std::string_view name = pattern.substr(0, dot);
      pattern = dot == std::string_view::npos ? std::string_view{} : pattern.substr(dot + 1);
      step = child_of(*step, name);
    }
    step->has_value = true;
    step->value = std::move(value);
  }

 private:
  static Step* child_of(Step& step, std::string_view name) {
    for (const auto& each : step.children) {
      if (each->name == name) return each.get();
    }
    step.children.push_back(std::make_unique<Step>());
    Step* made = step.children.back().get();
    made->name = std::string(name);
    if (name == "*") step.any = made;
    return made;
  }
  Step root_;
};

}  // namespace consort::compose
