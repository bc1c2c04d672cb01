package dev.oms.http;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import jakarta.ws.rs.BeanParam;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.DynamicFeature;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.FeatureContext;
import jakarta.ws.rs.ext.Provider;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jboss.resteasy.reactive.server.core.ResteasyReactiveRequestContext;
import org.jboss.resteasy.reactive.server.spi.ResteasyReactiveContainerRequestContext;

/**
 * Refuses with 400 a query parameter that the resource does not have, a repeated one and one without a value: ignoring
 * {@code ?stauts=Pending} or {@code ?status=} would list every order. Fields of the body are accepted in the query too,
 * as Rails did.
 *
 * @see RailsParameters#mergedWith
 */
@Provider
public class CheckQuery implements DynamicFeature {
    @Override
    public void configure(ResourceInfo resource, FeatureContext context) {
        Parameter[] parameters = resource.getResourceMethod().getParameters();
        context.register(new Check(queryParams(parameters), bodyFields(parameters)));
    }

    private static Set<String> queryParams(Parameter[] parameters) {
        return Arrays.stream(parameters)
                .flatMap(parameter -> parameter.isAnnotationPresent(BeanParam.class)
                        ? Arrays.stream(parameter.getType().getDeclaredFields())
                        : Stream.of((AnnotatedElement) parameter))
                .filter(parameter -> parameter.isAnnotationPresent(QueryParam.class))
                .map(parameter -> parameter.getAnnotation(QueryParam.class).value())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> bodyFields(Parameter[] parameters) {
        return Arrays.stream(parameters)
                .map(Parameter::getType)
                .filter(Class::isRecord)
                .flatMap(body -> Arrays.stream(body.getRecordComponents()))
                .map(RecordComponent::getName)
                .map(name -> new SnakeCaseStrategy().translate(name))
                .collect(Collectors.toSet());
    }

    /** Checks the query of one resource method. */
    private record Check(Set<String> queryParams, Set<String> bodyFields) implements ContainerRequestFilter {
        @Override
        public void filter(ContainerRequestContext context) {
            RoutingContext call = ((ResteasyReactiveRequestContext)
                            ((ResteasyReactiveContainerRequestContext) context).getServerRequestContext())
                    .unwrap(RoutingContext.class);
            String query = call.request().query();
            if (query == null || query.isEmpty()) {
                return;
            }
            MultiMap parameters = decoded(call);
            RailsParameters forBody = null;
            for (Map.Entry<String, String> parameter : parameters) {
                String name = RailsParameters.requireUtf8(parameter.getKey());
                String value = RailsParameters.requireUtf8(parameter.getValue());
                if (queryParams.contains(name)) {
                    if (parameters.getAll(name).size() > 1) {
                        throw ProblemException.malformed(name + " must be given only once.");
                    }
                    if (value.isEmpty()) {
                        throw ProblemException.malformed(name + " must not be empty: give it a value or leave it out.");
                    }
                } else if (bodyFields.contains(name.split("\\[", 2)[0])) {
                    forBody = forBody == null ? new RailsParameters() : forBody;
                    forBody.add(name, value);
                } else {
                    throw unknown(name);
                }
            }
            if (forBody != null) {
                Buffer body = call.body().buffer();
                byte[] bytes = body == null ? new byte[0] : body.getBytes();
                PrepareBodies.setJson(call, forBody.mergedWith(bytes));
            }
        }

        /** The parameters as JAX-RS sees them, which also separates them by {@code ;} and ends them at {@code #}. */
        private static MultiMap decoded(RoutingContext call) {
            try {
                return call.queryParams();
            } catch (HttpException e) {
                throw ProblemException.malformed("A parameter has an invalid escape.");
            }
        }

        private ProblemException unknown(String name) {
            String known = queryParams.isEmpty() ? "there are none here" : "there is " + String.join(", ", queryParams);
            return ProblemException.malformed(
                    "'%s' is not a query parameter of this path; %s.".formatted(Texts.shorten(name, 100), known));
        }
    }
}
