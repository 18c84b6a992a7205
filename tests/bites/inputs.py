"""The guards of F124–F129: no input of anybody ends in 5xx, or is logged as a fault of ours."""

from bites.case import Bite

INPUTS = "server/api/test_no_errors.py::"
MODELS = "packages/twap-models/src/twap_models/"

INPUT_BITES = (
    Bite(
        fault="F124",
        guard="half of a surrogate pair is no text",
        file=MODELS + "exact_json.py",
        line='return _whole_texts(read, mark) if "\\\\u" in text or not text.isascii() else read',
        instead="return read",
        tests=(INPUTS + "test_half_a_surrogate_pair_on_a_stream_is_an_error_and_no_end",),
    ),
    Bite(
        fault="F125",
        guard="whole numbers of callers fit into 64 bits",
        file=MODELS + "fields.py",
        line="Seq = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]",
        instead="Seq = Annotated[int, Field(ge=0)]",
        tests=(
            INPUTS + "test_every_whole_number_of_a_caller_fits_into_64_bits",
            INPUTS + "test_a_number_beyond_64_bits_is_refused_at_its_field",
        ),
    ),
    Bite(
        fault="F126",
        guard="an answer may have more digits than what was sent",
        file=MODELS + "fields.py",
        line="Told = Annotated[Decimal, BeforeValidator(_to_told), _NUMBER_SCHEMA]",
        instead="Told = Annotated[Decimal, BeforeValidator(_to_decimal), _NUMBER_SCHEMA]",
        tests=(
            INPUTS + "test_an_estimate_beyond_30_digits_is_told",
            INPUTS + "test_no_answer_is_bound_by_what_callers_may_send",
        ),
    ),
    Bite(
        fault="F127",
        guard="an origin that is no address is another page",
        file="api/routers/stream.py",
        line="    except ValueError:  # no address at all\n",
        instead="    except KeyError:\n",
        tests=(INPUTS + "test_an_origin_that_is_no_address_is_another_page",),
    ),
    Bite(
        fault="F127",
        guard="frames before the answer to an upgrade end the connection",
        file="api/stream/framing.py",
        line="        if not self.handshake_complete:  # nobody sends before our answer",
        instead="        if self.close_sent:  # nobody sends before our answer",
        tests=("fuzz/test_fuzz.py::test_frames_before_the_answer_to_the_upgrade_are_no_fault",),
    ),
    Bite(
        fault="F128",
        guard="want of memory is no wrong password",
        file="api/auth/password_hash.py",
        line="            if isinstance(error, VerificationError) and str(error) not in _NO_ROOM:\n",
        instead="            if isinstance(error, VerificationError):\n",
        tests=(INPUTS + "test_a_password_check_without_memory_is_busy_and_counts_as_no_wrong_one",),
    ),
    Bite(
        fault="F128",
        guard="want of memory or threads is busy, whatever was asked",
        file="api/http/middleware.py",
        line="    if lacks_room(error):\n",
        instead="    if isinstance(error, TooManyAttempts):\n",
        tests=(INPUTS + "test_want_of_memory_or_threads_is_busy_whatever_was_asked",),
    ),
    Bite(
        fault="F129",
        guard="a frame that is no text is not logged as a fault of ours",
        file="api/stream/framing.py",
        line='if self.curr_msg_data_type == "text" and not self.close_sent and',
        instead="if self.close_sent and",
        tests=(INPUTS + "test_a_text_frame_that_is_no_text_is_not_logged_as_ours",),
    ),
)
