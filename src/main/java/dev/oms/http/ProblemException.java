package dev.oms.http;

import dev.oms.http.Problem.FieldError;
import java.util.List;

/** A call that is refused, with what its client is told. Thrown by any room, made into a response by this one. */
public final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Problem problem;

    private ProblemException(Problem problem) {
        // Without a stack trace: it is an answer, not a fault.
        super(problem.detail(), null, false, false);
        this.problem = problem;
    }

    /** 400: the request cannot be understood. */
    public static ProblemException malformed(String detail) {
        return new ProblemException(Problem.of(400, detail));
    }

    /** 404: there is no such thing. */
    public static ProblemException unknown(String what, long id) {
        return new ProblemException(Problem.of(404, "There is no " + what + " " + id + "."));
    }

    /** 409: the order's state machine forbids it, and allows what is listed. */
    public static ProblemException conflict(String detail, List<String> allowed) {
        return new ProblemException(Problem.ofConflict(detail, allowed));
    }

    /** 412: the thing is at another version than the client expects. */
    static ProblemException preconditionFailed(String what, long id, long version) {
        return new ProblemException(Problem.of(
                412, "The %s %d is at ETag \"%d\", which is none of those in If-Match.".formatted(what, id, version)));
    }

    /** 413: the body is larger than is read. */
    static ProblemException tooLarge() {
        return new ProblemException(Problem.of(413, "The body is larger than 1 MiB."));
    }

    /** 422: the body is understood, and a field of it breaks a rule. */
    public static ProblemException invalid(String field, String message) {
        return invalid(List.of(new FieldError(field, message)));
    }

    /** 422: the body is understood, and fields of it break rules. */
    public static ProblemException invalid(List<FieldError> errors) {
        return new ProblemException(Problem.ofErrors(errors));
    }

    /** 503: it cannot be done right now. */
    public static ProblemException busy(String detail) {
        return new ProblemException(Problem.of(503, detail));
    }

    /** What the client is told. */
    public Problem problem() {
        return problem;
    }
}
