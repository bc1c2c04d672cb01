package dev.oms.http;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.exc.StreamReadException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import dev.oms.http.Problem.FieldError;
import io.vertx.core.http.HttpClosedException;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Request;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Turns every failure of a call into a problem, without exposing a stack trace or a class name. */
class ProblemMappers {
    private static final Logger LOG = Logger.getLogger(ProblemMappers.class);

    /** How long a client should wait when the database is unavailable: about as long as a failover takes. */
    private static final int RETRY_AFTER_SECONDS = 5;

    @ServerExceptionMapper
    Response rejected(ProblemException e) {
        Response response = e.problem().toResponse();
        return e.retryAfterSeconds() == 0
                ? response
                : Response.fromResponse(response)
                        .header("Retry-After", e.retryAfterSeconds())
                        .build();
    }

    @ServerExceptionMapper
    Response noSuchPath(NotFoundException e, UriInfo uri, Request request) {
        // JAX-RS wraps what a parameter converter throws in a NotFoundException.
        if (Causes.find(e, ProblemException.class) instanceof ProblemException problem) {
            return rejected(problem);
        }
        String path = String.valueOf(uri.getRequestUri().getPath());
        // When two resources share the beginning of a path, JAX-RS may answer 404 because of the method.
        Set<String> allowed = AllowedMethods.of(path);
        return allowed.isEmpty() || allowed.contains(request.getMethod())
                ? Problem.ofNothingAt(path).toResponse()
                : notAllowed(allowed);
    }

    @ServerExceptionMapper
    Response fromFramework(WebApplicationException e, UriInfo uri) {
        if (Causes.find(e, JsonProcessingException.class) instanceof JsonProcessingException json) {
            return badJson(json);
        }
        int status = e.getResponse().getStatus();
        if (status >= 500) {
            return unexpected(e);
        }
        return status == 405
                ? notAllowed(
                        AllowedMethods.of(String.valueOf(uri.getRequestUri().getPath())))
                : Problem.of(status, detailOf(status)).toResponse();
    }

    private static Response notAllowed(Set<String> allowed) {
        return Response.fromResponse(Problem.ofOtherMethod().toResponse())
                .header("Allow", String.join(", ", allowed))
                .build();
    }

    private static String detailOf(int status) {
        return switch (status) {
            case 415 -> "The body must be application/json, application/x-www-form-urlencoded or multipart/form-data.";
            default -> "The request cannot be understood.";
        };
    }

    // Quarkus has its own mapper for this subclass, which would take precedence over badJson.
    @ServerExceptionMapper
    Response mismatched(MismatchedInputException e) {
        return badJson(e);
    }

    @ServerExceptionMapper
    Response badJson(JsonProcessingException e) {
        if (Causes.find(e, ProblemException.class) instanceof ProblemException problem) {
            return rejected(problem);
        }
        // Jackson wraps errors in nested values: the innermost exception has the reason, the outermost the path.
        JsonProcessingException root = rootOf(e);
        String syntaxError = syntaxErrorOf(root);
        if (syntaxError != null) {
            return Problem.of(400, "The body is not valid JSON: " + syntaxError + placeOf(root))
                    .toResponse();
        }
        String field = e instanceof JsonMappingException mapping ? pathOf(mapping) : "";
        if (field.isEmpty()) {
            return Problem.of(400, "The body must be a JSON object.").toResponse();
        }
        return Problem.ofErrors(List.of(new FieldError(field, messageOf(e)))).toResponse();
    }

    private static JsonProcessingException rootOf(JsonProcessingException e) {
        return Causes.of(e)
                .filter(JsonProcessingException.class::isInstance)
                .map(JsonProcessingException.class::cast)
                .reduce(e, (outer, inner) -> inner);
    }

    /** What is wrong with the syntax, or null. Jackson's own words name its classes and switches. */
    private static String syntaxErrorOf(JsonProcessingException e) {
        String message = String.valueOf(e.getOriginalMessage());
        if (e instanceof StreamConstraintsException) {
            return message.contains("depth")
                    ? "it is nested more than %d levels deep".formatted(StrictJson.DEPTH_MAX)
                    : message.contains("Token count")
                            ? "it has more than %,d values and names".formatted(StrictJson.TOKENS_MAX)
                            : "a number, text or name is too long";
        }
        if (message.startsWith("Trailing token")) {
            return "something follows its end";
        }
        if (!(e instanceof StreamReadException)) {
            return null;
        }
        if (e instanceof JsonEOFException) {
            return "it ends too early";
        }
        return message.startsWith("Duplicate field") ? "a field is repeated" : "what comes next is not JSON";
    }

    private static String placeOf(JsonProcessingException e) {
        JsonLocation place = e.getLocation();
        return place == null ? "." : " (line %d, column %d).".formatted(place.getLineNr(), place.getColumnNr());
    }

    private static String pathOf(JsonMappingException e) {
        return Bodies.withoutWrapper(e.getPath().stream()
                .map(reference -> reference.getFieldName() == null
                        ? String.valueOf(reference.getIndex())
                        : Texts.shorten(reference.getFieldName(), 100))
                .collect(Collectors.joining(".")));
    }

    private static String messageOf(JsonProcessingException e) {
        if (e instanceof UnrecognizedPropertyException) {
            return "is not a known field";
        }
        if (e instanceof WholeNumber.TooLarge) {
            return "is too large a number";
        }
        if (e instanceof RefuseNull.IsNull) {
            return "must not be null";
        }
        Class<?> type = e instanceof MismatchedInputException mismatch ? mismatch.getTargetType() : null;
        if (type == null) {
            return "is not a valid value";
        }
        if (type.isEnum()) {
            return "must be one of "
                    + List.of(type.getEnumConstants()).stream()
                            .map(Object::toString)
                            .collect(Collectors.joining(", "));
        }
        if (type == Integer.class || type == Long.class) {
            return "must be a whole number";
        }
        if (type == Instant.class) {
            return "must be a date and time, such as 2027-01-31T12:00:00Z";
        }
        if (type == String.class) {
            return "must be a string";
        }
        return Map.class.isAssignableFrom(type) || type.isRecord() ? "must be an object" : "is not a valid value";
    }

    @ServerExceptionMapper
    Response unexpected(Throwable e) {
        if (isDisconnected(e)) {
            // The client disconnected while it sent the body or received the response, so nobody reads this.
            LOG.debug("A client has disconnected", e);
            return Problem.of(400, "The body is incomplete.").toResponse();
        }
        DatabaseFailure failure = DatabaseFailure.of(e);
        if (failure.isTransient()) {
            LOG.warnf("503, %s: %s", failure, Causes.root(e).getMessage());
            return switch (failure) {
                case CONTENTION ->
                    Problem.of(503, "Another transaction was in the way; nothing was changed. Try again.")
                            .toResponse();
                case IN_DOUBT ->
                    unavailable(Problem.of(
                            503,
                            "The outcome is in doubt: the database did not answer in time or the connection was lost, so it is "
                                    + "unknown whether anything was changed. Send an order again with its "
                                    + IdempotencyKey.HEADER + "."));
                default -> unavailable(Problem.ofUnavailable());
            };
        }
        LOG.error("500: a call failed unexpectedly", e);
        return Problem.ofUnexpected().toResponse();
    }

    /** Looks into an IOException only: the connection of another failure may be one to PostgreSQL or Redis. */
    private static boolean isDisconnected(Throwable e) {
        return Causes.find(e, HttpClosedException.class) != null
                || e instanceof IOException
                        && Causes.of(e)
                                .anyMatch(cause -> cause instanceof ClosedChannelException
                                        || String.valueOf(cause.getMessage())
                                                .matches("(?s).*(Connection reset|Broken pipe|Failed to write).*"));
    }

    private static Response unavailable(Problem problem) {
        return Response.fromResponse(problem.toResponse())
                .header("Retry-After", RETRY_AFTER_SECONDS)
                .build();
    }
}
