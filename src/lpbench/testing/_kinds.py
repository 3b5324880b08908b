"""Lists the checks of each kind of plugin object, in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lpbench.plugin import registry
from lpbench.testing import (
    _algorithm,
    _config,
    _lifetime,
    _listing,
    _measuring,
    _monitor,
    _offers,
    _operators,
    _post,
    _pre,
    _running,
    _threads,
)
from lpbench.testing._checks import Check, by_name
from lpbench.testing._subject import (
    AlgorithmSubject,
    EngineSubject,
    MonitorSubject,
    PostprocessorSubject,
    PreprocessorSubject,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTING = (
    _listing.plugin_registers_cleanly,
    _listing.spec_is_complete,
    _listing.listing_imports_nothing_heavy,
    _listing.missing_library_is_told,
)
CONFIG = (
    _config.config_is_a_frozen_dataclass,
    _config.config_builds_without_side_effects,
    _config.options_are_documented,
    _config.unknown_option_is_refused,
    _config.wrong_value_is_refused,
)
ENGINE = by_name(
    {
        "listing": (
            *LISTING,
            _listing.formats_are_stated,
            _listing.probe_returns_facts,
            _listing.probe_tells_remedies,
            _operators.unsupported_operators_are_named,
        ),
        "config": (
            *CONFIG,
            _config.number_out_of_range_is_refused,
            _config.absent_device_is_refused,
            _config.options_for_apps_are_harmless,
        ),
        "running": (
            _running.tensors_are_described,
            _running.outputs_are_those_announced,
            _running.types_and_shapes_are_those_announced,
            _running.outputs_are_right,
            _running.same_feeds_give_the_same,
            _running.refilled_feeds_are_read_again,
            _running.outputs_do_not_share_memory_with_feeds,
            _running.feeds_are_unchanged,
            _running.strided_feeds_give_the_same,
            _running.outputs_stay_valid_as_stated,
            _running.missing_feed_is_named,
            _running.extra_feed_is_named,
            _running.wrong_type_is_named,
            _running.wrong_shape_is_named,
            _running.runs_after_a_refusal,
            _running.shapes_asked_for_are_in_force,
            _running.impossible_shapes_are_refused,
            _threads.runs_in_the_thread_that_opened_it,
            _threads.two_sessions_do_not_mix,
            _threads.sessions_run_side_by_side_as_stated,
            _threads.threads_reported_are_those_asked_for,
            _threads.threads_at_work_are_those_asked_for,
        ),
        "lifetime": (
            _lifetime.missing_model_is_named,
            _lifetime.empty_model_is_named,
            _lifetime.garbage_model_is_named,
            _lifetime.cut_model_is_named,
            _lifetime.model_of_another_format_is_named,
            _lifetime.missing_second_file_is_named,
            _lifetime.opens_after_a_failure,
            _lifetime.closing_twice_is_harmless,
            _lifetime.run_after_close_is_refused,
            _lifetime.sessions_leave_nothing_behind,
            _lifetime.failed_opens_leave_nothing_behind,
            _lifetime.runs_leave_nothing_behind,
            _lifetime.being_stopped_does_no_harm,
            _lifetime.process_is_left_as_it_was,
            _lifetime.standard_output_is_silent,
            _lifetime.no_files_are_left,
        ),
        "measuring": (
            _measuring.outputs_are_complete_when_run_returns,
            _measuring.nothing_computes_after_run,
            _measuring.describe_is_json,
            _measuring.describe_says_what_ran,
            _measuring.precision_is_the_one_executed,
            _measuring.profile_or_reason,
            _measuring.profile_not_asked_for_is_refused,
            _measuring.device_spans_fit_into_the_run,
            _measuring.memory_is_whole_bytes,
        ),
    }
)
PREPROCESSOR = by_name(
    {
        "listing": (*LISTING, _offers.guess_suits_the_config),
        "config": CONFIG,
        "running": (
            _pre.feeds_match_the_inputs,
            _pre.feeds_lie_side_by_side,
            _pre.feeds_are_right,
            _pre.samples_do_not_mix,
            _pre.two_preprocessors_do_not_mix,
            _pre.sample_is_unchanged,
            _pre.samples_are_named,
            _pre.bad_sample_is_named,
            _pre.synthetic_samples_repeat,
        ),
        "lifetime": (
            _pre.calls_leave_nothing_behind,
            _pre.process_is_left_as_it_was,
            _pre.standard_output_is_silent,
        ),
    }
)
POSTPROCESSOR = by_name(
    {
        "listing": (*LISTING, _offers.guess_suits_the_config, _offers.words_are_one_line),
        "config": CONFIG,
        "running": (
            _post.predictions_describe_as_json,
            _post.description_is_right,
            _post.candidates_come_best_first,
            _post.outputs_do_not_mix,
            _post.outputs_are_unchanged,
            _post.outputs_may_be_read_only,
        ),
        "lifetime": (
            _post.calls_leave_nothing_behind,
            _post.process_is_left_as_it_was,
            _post.standard_output_is_silent,
        ),
    }
)
MONITOR = by_name(
    {
        "listing": LISTING,
        "config": CONFIG,
        "running": (
            _monitor.readings_are_of_the_contract,
            _monitor.metrics_are_those_of_the_spec,
            _monitor.readings_say_unit_scope_and_source,
            _monitor.known_metrics_have_their_units,
            _monitor.unavailable_says_why,
            _monitor.calls_keep_the_deadline,
            _monitor.machine_without_it_gives_reasons,
            _monitor.process_that_ended_gives_reasons,
            _monitor.garbage_gives_reasons,
            _monitor.entering_returns_the_monitor,
            _monitor.short_stays_are_harmless,
            _monitor.monitor_can_be_entered_again,
            _monitor.two_monitors_do_not_mix,
            _monitor.errors_pass_through,
        ),
        "lifetime": (
            _monitor.stays_leave_nothing_behind,
            _monitor.samples_leave_nothing_behind,
            _monitor.process_is_left_as_it_was,
            _monitor.standard_output_is_silent,
        ),
    }
)
ALGORITHM = by_name(
    {
        "listing": (*LISTING, _algorithm.signature_is_stated),
        "running": (
            _algorithm.targets_are_those_of_the_signature,
            _algorithm.every_variable_runs_at_both_ends,
            _algorithm.an_instance_is_the_same_in_every_process,
        ),
    }
)


@dataclass(frozen=True)
class Tested:
    """A kind of plugin object under test: its registry, its subject class and its checks by name."""

    kind: registry.Kind[Any]
    subject: type[Subject[Any, Any]]
    checks: Mapping[str, Check]


TESTED = {
    tested.kind.word: tested
    for tested in (
        Tested(registry.ENGINES, EngineSubject, ENGINE),
        Tested(registry.PREPROCESSORS, PreprocessorSubject, PREPROCESSOR),
        Tested(registry.POSTPROCESSORS, PostprocessorSubject, POSTPROCESSOR),
        Tested(registry.MONITORS, MonitorSubject, MONITOR),
        Tested(registry.ALGORITHMS, AlgorithmSubject, ALGORITHM),
    )
}


def checks() -> dict[str, list[Check]]:
    """Return every check of the kit by kind of plugin object, in the order in which they run."""
    return {word: list(tested.checks.values()) for word, tested in TESTED.items()}
