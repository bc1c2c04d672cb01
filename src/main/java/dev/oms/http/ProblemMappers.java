package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.exc.StreamReadException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import dev.oms.http.Problem.FieldError;
import io.vertx.core.http.HttpClosedException;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.io.CharConversionException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Makes every failure of a call into a problem, and never shows a stack trace or the name of a class. */
class ProblemMappers {
    private static final Logger LOG = Logger.getLogger(ProblemMappers.class);

    /** How long a client should wait when the database is away: about what a fail-over takes. */
    private static final int RETRY_AFTER_SECONDS = 5;

    @ServerExceptionMapper
    Response refused(ProblemException e) {
        return e.problem().toResponse();
    }

    @ServerExceptionMapper
    Response noSuchPath(NotFoundException e, UriInfo uri) {
        // What a parameter's converter refuses comes as one that was not found.
        if (Causes.find(e, ProblemException.class) instanceof ProblemException refused) {
            return refused(refused);
        }
        return Problem.of(404, "There is nothing at " + uri.getRequestUri().getPath() + ".")
                .toResponse();
    }

    @ServerExceptionMapper
    Response byFramework(WebApplicationException e) {
        if (Causes.find(e, JsonProcessingException.class) instanceof JsonProcessingException json) {
            return badJson(json);
        }
        int status = e.getResponse().getStatus();
        if (status >= 500) {
            return unexpected(e);
        }
        Response.ResponseBuilder response =
                Response.fromResponse(Problem.of(status, detailOf(status)).toResponse());
        if (e.getResponse().getHeaderString("Allow") instanceof String allow) {
            response.header("Allow", allow);
        }
        return response.build();
    }

    private static String detailOf(int status) {
        return switch (status) {
            case 405 -> "The resource does not know this method.";
            case 413 -> "The body is larger than 1 MiB.";
            case 415 -> "The body must be application/json.";
            default -> "The request cannot be understood.";
        };
    }

    // Quarkus brings a mapper of its own for this subclass, which would win over the one below.
    @ServerExceptionMapper
    Response mismatched(MismatchedInputException e) {
        return badJson(e);
    }

    // Jackson throws it for UTF-32 alone; of UTF-8 and UTF-16 it makes a JsonProcessingException.
    @ServerExceptionMapper
    Response badCharacters(CharConversionException e) {
        return Problem.of(400, "The body is not valid JSON: it holds what is no character.")
                .toResponse();
    }

    @ServerExceptionMapper
    Response badJson(JsonProcessingException e) {
        if (Causes.find(e, ProblemException.class) instanceof ProblemException refused) {
            return refused(refused);
        }
        // Jackson wraps what it meets inside a nested value, so the cause decides, and the wrapper knows the path.
        JsonProcessingException root = rootOf(e);
        if (root instanceof StreamConstraintsException
                || root instanceof StreamReadException && !(root instanceof InputCoercionException)) {
            return Problem.of(400, "The body is not valid JSON: " + sentence(root))
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

    /** Jackson's own words name no class when the syntax is at fault, but they quote the input at any length. */
    private static String sentence(JsonProcessingException syntax) {
        String place = syntax.getLocation() == null
                ? "."
                : " (line %d, column %d)."
                        .formatted(
                                syntax.getLocation().getLineNr(),
                                syntax.getLocation().getColumnNr());
        return Texts.shorten(syntax.getOriginalMessage(), 200) + place;
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
        if (Causes.find(e, InputCoercionException.class) != null) {
            return "is too large a number";
        }
        Class<?> type = e instanceof MismatchedInputException mismatch ? mismatch.getTargetType() : null;
        if (type == null) {
            return "is not acceptable";
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
        if (type == String.class) {
            return "must be a string";
        }
        return Map.class.isAssignableFrom(type) || type.isRecord() ? "must be an object" : "is not acceptable";
    }

    @ServerExceptionMapper
    Response unexpected(Throwable e) {
        if (Causes.find(e, HttpClosedException.class) != null) {
            // The client has hung up amid its body; nobody reads this.
            return Problem.of(400, "The body ended early.").toResponse();
        }
        if (DatabaseOutage.isBehind(e)) {
            LOG.warnf("503: the database is away or busy: %s", Causes.root(e).getMessage());
            String detail = DatabaseOutage.isCommitInDoubt(e)
                    ? "The database went away at the last moment; whether anything was changed is not known."
                    : "The database is away or busy; nothing was changed. Try again.";
            return Response.fromResponse(Problem.of(503, detail).toResponse())
                    .header("Retry-After", RETRY_AFTER_SECONDS)
                    .build();
        }
        LOG.error("500: a call failed unexpectedly", e);
        return Problem.of(500, "Something went wrong here, and was logged.").toResponse();
    }
}
