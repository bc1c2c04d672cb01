package dev.oms.http;

import com.fasterxml.jackson.annotation.JacksonAnnotationsInside;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import dev.oms.http.Problem.FieldError;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.validation.ConstraintViolation;
import jakarta.validation.Path;
import jakarta.validation.Validator;
import jakarta.validation.groups.Default;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Unwraps and validates request bodies. Rails clients send them wrapped, {@code {"order":{…}}}, others bare,
 * {@code {…}}.
 */
@ApplicationScoped
public class Bodies {
    private static final SnakeCaseStrategy SNAKE_CASE = new SnakeCaseStrategy();

    private static final Set<String> WRAPPERS = Set.of("order", "inventory_item", "user");

    private final Validator validator;

    Bodies(Validator validator) {
        this.validator = validator;
    }

    /**
     * Ignores the fields that OMS itself sets, in a write by a client that sends back what it has read. Other unknown
     * fields are refused.
     */
    @Target(ElementType.TYPE)
    @Retention(RetentionPolicy.RUNTIME)
    @JacksonAnnotationsInside
    @JsonIgnoreProperties({"id", "created_at", "updated_at", "version"})
    public @interface IgnoresEcho {}

    /**
     * The body of a call that needs none: absent, or an object without fields. A call that ignored any other would do
     * more than its client asked for, such as cancel a whole order instead of one of its lines.
     */
    @IgnoresEcho
    public record Empty() {}

    /**
     * A body that may be wrapped in an object with one field.
     *
     * @param <T> the body
     */
    @IgnoresEcho
    public interface Wrapped<T extends Wrapped<T>> {
        /** The body inside the wrapper, or null when the body is bare. */
        T wrapped();

        /** Whether fields that belong inside the wrapper appear outside it. */
        boolean hasBareFields();
    }

    /**
     * Validates a body and returns it without its wrapper.
     *
     * @throws ProblemException 400 when there is no body, 422 when it violates a constraint or is both wrapped and bare
     */
    public <T extends Wrapped<T>> T unwrapAndValidate(T body, Class<?>... groups) {
        requireBody(body);
        T inner = body;
        if (body.wrapped() != null) {
            inner = body.wrapped();
            if (body.hasBareFields() || inner.wrapped() != null) {
                throw ProblemException.invalid("", "send the fields either inside the wrapper or bare, not both");
            }
        }
        return validate(inner, groups);
    }

    /**
     * Validates a body and returns it.
     *
     * @throws ProblemException 400 when there is no body, 422 when it violates a constraint
     */
    public <T> T validate(T body, Class<?>... groups) {
        requireBody(body);
        List<FieldError> errors =
                validator.validate(body, groups.length == 0 ? new Class<?>[] {Default.class} : groups).stream()
                        .map(violation -> new FieldError(pathOf(violation), violation.getMessage()))
                        .sorted(Comparator.comparing(FieldError::field).thenComparing(FieldError::message))
                        .toList();
        if (!errors.isEmpty()) {
            throw ProblemException.invalid(errors);
        }
        return body;
    }

    private static void requireBody(Object body) {
        if (body == null) {
            throw ProblemException.malformed("A JSON body is required.");
        }
    }

    /** Turns the validator's {@code items[burger].<map value>} into {@code items.burger}. */
    private static String pathOf(ConstraintViolation<?> violation) {
        List<String> parts = new ArrayList<>();
        for (Path.Node node : violation.getPropertyPath()) {
            if (node.getKey() != null) {
                parts.add(Texts.shorten(node.getKey().toString(), 100));
            } else if (node.getName() != null && !node.getName().startsWith("<")) {
                parts.add(SNAKE_CASE.translate(node.getName()));
            }
        }
        return String.join(".", parts);
    }

    static String withoutWrapper(String path) {
        int dot = path.indexOf('.');
        return dot > 0 && WRAPPERS.contains(path.substring(0, dot)) ? path.substring(dot + 1) : path;
    }
}
