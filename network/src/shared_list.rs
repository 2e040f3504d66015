//! A list that grows at its end and shares its beginning with the lists that it was copied from.

use std::sync::Arc;

/// A list whose copies cost nothing, however long it is.
#[derive(Debug)]
pub struct SharedList<T> {
    last: Option<Arc<Link<T>>>,
    len: usize,
}

#[derive(Debug)]
struct Link<T> {
    item: T,
    before: SharedList<T>,
}

impl<T> SharedList<T> {
    /// Adds an item behind the last one.
    pub fn push(&mut self, item: T) {
        let before = SharedList { last: self.last.take(), len: self.len };
        self.last = Some(Arc::new(Link { item, before }));
        self.len += 1;
    }

    /// The last item.
    pub fn last(&self) -> Option<&T> {
        self.last.as_ref().map(|link| &link.item)
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// The items from the last to the first.
    pub fn backwards(&self) -> impl Iterator<Item = &T> {
        std::iter::successors(self.last.as_deref(), |link| link.before.last.as_deref()).map(|link| &link.item)
    }

    /// The items from the first to the last.
    pub fn items(&self) -> Vec<&T> {
        let mut items: Vec<&T> = self.backwards().collect();
        items.reverse();
        items
    }
}

impl<T> Default for SharedList<T> {
    fn default() -> Self {
        SharedList { last: None, len: 0 }
    }
}

impl<T> Clone for SharedList<T> {
    fn clone(&self) -> Self {
        SharedList { last: self.last.clone(), len: self.len }
    }
}

impl<T, const COUNT: usize> From<[T; COUNT]> for SharedList<T> {
    fn from(items: [T; COUNT]) -> Self {
        items.into_iter().collect()
    }
}

impl<T> FromIterator<T> for SharedList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut list = SharedList::default();
        items.into_iter().for_each(|item| list.push(item));
        list
    }
}

/// Link by link: by itself each link would be dropped within the one behind it, and a long list overflow the stack.
impl<T> Drop for SharedList<T> {
    fn drop(&mut self) {
        let mut last = self.last.take();
        while let Some(mut link) = last.and_then(Arc::into_inner) {
            last = link.before.last.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SharedList;

    #[test]
    fn copies_grow_apart() {
        let mut one: SharedList<u32> = (0..3).collect();
        let mut other = one.clone();
        one.push(3);
        other.push(4);
        assert_eq!(one.items(), [&0, &1, &2, &3]);
        assert_eq!(other.backwards().copied().collect::<Vec<_>>(), [4, 2, 1, 0]);
        assert_eq!((one.last(), one.len(), SharedList::<u32>::default().last()), (Some(&3), 4, None));
    }

    #[test]
    fn long_lists_are_dropped() {
        let list: SharedList<usize> = (0..1_000_000).collect();
        let copy = list.clone();
        drop(list);
        assert_eq!(copy.backwards().count(), 1_000_000);
    }
}
