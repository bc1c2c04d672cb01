package dev.oms;

import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.TestProfile;
import java.lang.annotation.Annotation;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.ClassDescriptor;
import org.junit.jupiter.api.ClassOrderer;
import org.junit.jupiter.api.ClassOrdererContext;

/**
 * Runs the integration tests that share a profile and resources one after the other, because the packaged application
 * is restarted whenever either changes. Quarkus groups only the tests that run in its own process.
 */
public final class ProfileOrderer implements ClassOrderer {
    @Override
    public void orderClasses(ClassOrdererContext context) {
        context.getClassDescriptors()
                .sort(Comparator.comparing(ProfileOrderer::environment)
                        .thenComparing(test -> test.getTestClass().getName()));
    }

    private static String environment(ClassDescriptor test) {
        String profile = annotations(test, TestProfile.class)
                .map(annotation -> annotation.value().getName())
                .findFirst()
                .orElse("");
        String resources = annotations(test, WithTestResource.class)
                .map(annotation -> annotation.value().getName())
                .collect(Collectors.joining(","));
        return profile + " " + resources;
    }

    /** The annotations of a test class and of those that it extends: Quarkus reads both. */
    private static <A extends Annotation> Stream<A> annotations(ClassDescriptor test, Class<A> type) {
        return Stream.<Class<?>>iterate(test.getTestClass(), c -> c != null, Class::getSuperclass)
                .flatMap(c -> Arrays.stream(c.getDeclaredAnnotationsByType(type)));
    }
}
