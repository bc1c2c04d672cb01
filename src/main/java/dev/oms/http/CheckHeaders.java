package dev.oms.http;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.DynamicFeature;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.FeatureContext;
import jakarta.ws.rs.ext.Provider;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Refuses with 400 a write with a header that would make it conditional or safe to repeat, if the resource does not
 * support that header, and one with such a header or an actor that is present but empty. JAX-RS would ignore either and
 * do what the client wanted to prevent. In a GET, which changes nothing, they are ignored.
 */
@Provider
public class CheckHeaders implements DynamicFeature {
    private static final List<String> PRECONDITIONS =
            List.of(IdempotencyKey.HEADER, IfMatch.HEADER, IfNoneMatch.HEADER);

    @Override
    public void configure(ResourceInfo resource, FeatureContext context) {
        Method method = resource.getResourceMethod();
        if (!method.isAnnotationPresent(GET.class)) {
            context.register(new Check(Arrays.stream(method.getParameters())
                    .map(parameter -> parameter.getAnnotation(HeaderParam.class))
                    .filter(Objects::nonNull)
                    .map(HeaderParam::value)
                    .collect(Collectors.toSet())));
        }
    }

    /** Checks the headers of one resource method. */
    private record Check(Set<String> supported) implements ContainerRequestFilter {
        @Override
        public void filter(ContainerRequestContext context) {
            for (String name : PRECONDITIONS) {
                List<String> values = context.getHeaders().get(name);
                if (values != null && !supported.contains(name)) {
                    throw ProblemException.malformed(name + " is not supported here: send the request without it.");
                }
                requireContent(name, values);
            }
            requireContent(Actor.HEADER, context.getHeaders().get(Actor.HEADER));
        }

        private static void requireContent(String name, List<String> values) {
            if (values != null && values.contains("")) {
                throw ProblemException.malformed(name + " must not be empty.");
            }
        }
    }
}
