package dev.oms.http;

import jakarta.ws.rs.HttpMethod;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.container.DynamicFeature;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.FeatureContext;
import jakarta.ws.rs.ext.Provider;
import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;

/**
 * The methods of every path, for {@code Allow}: JAX-RS leaves it out of a 405, and answers {@code OPTIONS} with the
 * methods of the whole class. Collected when the application is built or, on the JVM, when it starts.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-10.2.1">RFC 9110 §10.2.1, Allow</a>
 */
@Provider
public class AllowedMethods implements DynamicFeature {
    /** The methods of a path that can only be read. */
    static final List<String> READ = List.of(HttpMethod.GET, HttpMethod.HEAD);

    private static final List<Endpoint> ENDPOINTS = new CopyOnWriteArrayList<>();

    private record Endpoint(Pattern path, int literalChars, String method) {}

    @Override
    public void configure(ResourceInfo resource, FeatureContext context) {
        Method method = resource.getResourceMethod();
        Path inside = method.getAnnotation(Path.class);
        String path =
                resource.getResourceClass().getAnnotation(Path.class).value() + (inside == null ? "" : inside.value());
        Pattern pattern = Pattern.compile(path.replaceAll("\\{[^}]*}", "[^/]+") + "/?");
        int literalChars = path.replaceAll("\\{[^}]*}", "").length();
        for (Annotation annotation : method.getAnnotations()) {
            HttpMethod verb = annotation.annotationType().getAnnotation(HttpMethod.class);
            if (verb != null) {
                ENDPOINTS.add(new Endpoint(pattern, literalChars, verb.value()));
            }
        }
    }

    /** The methods that a path supports; none if there is no such path. */
    static Set<String> of(String path) {
        Set<String> allowed = new TreeSet<>();
        int literalChars = 0;
        for (Endpoint endpoint : ENDPOINTS) {
            if (endpoint.literalChars >= literalChars
                    && endpoint.path.matcher(path).matches()) {
                // As JAX-RS does, which never takes /inventory_items/audit for an /inventory_items/{id}.
                if (endpoint.literalChars > literalChars) {
                    literalChars = endpoint.literalChars;
                    allowed.clear();
                }
                allowed.add(endpoint.method);
            }
        }
        if (allowed.contains(HttpMethod.GET)) {
            allowed.add(HttpMethod.HEAD);
        }
        if (!allowed.isEmpty()) {
            allowed.add(HttpMethod.OPTIONS);
        }
        return allowed;
    }
}
